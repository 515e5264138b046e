// The page "Your seats" in the registrant's words: what is done after the purchase. Roles and accessible names are the
// only way in. Not here: what must be true afterwards (the specs).

import { expect, type Locator, type Page } from "@playwright/test";
import { type Person, RegistrationPage } from "./registration.ts";

export class SeatsPage {
  constructor(readonly page: Page) {}

  /** From the confirmation, by the button that says what is left to do. */
  async comesFromTheConfirmation(): Promise<void> {
    await this.page.getByRole("link", { name: /^Assign names to your / }).click();
    await expect(this.progress).toBeVisible();
  }

  /** The card of one seat; its heading says "Seat 1 of 3". */
  seat(number: number): Locator {
    const heading = this.page.getByRole("heading", { name: new RegExp(`^Seat ${number} of`) });
    return this.page.getByRole("listitem").filter({ has: heading });
  }

  async types(number: number, { given, family, email }: Person): Promise<void> {
    const seat = this.seat(number);
    await seat.getByLabel("Given name").fill(given);
    await seat.getByLabel("Family name").fill(family);
    await seat.getByLabel("Email address").fill(email);
  }

  async saves(number: number): Promise<void> {
    await this.button(`Save, seat ${number}`).click();
  }

  /** Goes on to something else, as somebody does who believes that it saves itself. */
  async leaves(): Promise<void> {
    await this.page.getByRole("heading", { name: "Keep it" }).click();
  }

  async assigns(number: number, person: Person): Promise<void> {
    await this.types(number, person);
    await this.saves(number);
    await expect(this.seat(number).getByText("Assigned", { exact: true })).toBeVisible();
  }

  async pastes(list: string): Promise<void> {
    await this.page.getByText("Paste a list of names").click();
    await this.page.getByLabel("One person a line").fill(list);
  }

  /** From the offer to the question. */
  async asksToCancel(): Promise<Locator> {
    await this.button("Cancel my registration…").click();
    return this.page.getByRole("dialog");
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  link(name: string | RegExp): Locator {
    return this.page.getByRole("link", { name, exact: typeof name === "string" });
  }

  heading(name: string | RegExp): Locator {
    return this.page.getByRole("heading", { name, exact: typeof name === "string" });
  }

  get progress(): Locator {
    return this.page.getByText(/^\d+ of \d+ assigned$/);
  }
}

/** The same order in another browser, opened by e-mail and code. */
export async function onAnotherDevice(other: RegistrationPage, slug: string, { email }: Person, code: string): Promise<SeatsPage> {
  await other.findsTheOrder(slug, email, code);
  await expect(other.registered).toBeVisible();
  const seats = new SeatsPage(other.page);
  await seats.comesFromTheConfirmation();
  return seats;
}
