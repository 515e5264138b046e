// The registrant's acts in the customer's words. A test reads like the story it tells; roles and accessible names
// are the only way in, so a control that loses its label breaks a test.
// Not here: what must be true afterwards (the specs).

import type { Locator, Page } from "@playwright/test";

export type Person = { given: string; family: string; email: string };

export const ada: Person = { given: "Ada", family: "Lovelace", email: "ada@example.org" };

export class RegistrationPage {
  constructor(readonly page: Page) {}

  // ---- finding the way -------------------------------------------------------------------------

  async opensTheDirectory(): Promise<void> {
    await this.page.goto("/");
  }

  async opensConference(slug: string): Promise<void> {
    await this.page.goto(`/${slug}`);
  }

  async goesToRegister(): Promise<void> {
    await this.link("Register").click();
  }

  // ---- seats -----------------------------------------------------------------------------------

  /** The group of one seat type: its quantity, its two buttons and what is left of it. */
  seatType(name: string): Locator {
    return this.page.getByRole("group", { name });
  }

  quantity(seatType: string): Locator {
    return this.seatType(seatType).getByRole("spinbutton");
  }

  async chooses(seats: number, seatType: string): Promise<void> {
    await this.quantity(seatType).fill(String(seats));
  }

  async takesOneMore(seatType: string): Promise<void> {
    await this.button(`One seat more, ${seatType}`).click();
  }

  async takesOneFewer(seatType: string): Promise<void> {
    await this.button(`One seat fewer, ${seatType}`).click();
  }

  get reserve(): Locator {
    return this.button(/^Reserve( \d+ seats?)?$/);
  }

  async reserves(): Promise<void> {
    await this.reserve.click();
  }

  /** When fewer seats were granted than asked for. */
  async continuesWith(seats: number): Promise<void> {
    await this.button(new RegExp(`^Continue with ${seats} seats?`)).click();
  }

  async changesTheSeats(): Promise<void> {
    await this.button("Change my seats").click();
  }

  async letsTheSeatsGo(): Promise<void> {
    await this.button("Let these seats go").click();
  }

  // ---- details ---------------------------------------------------------------------------------

  async tellsWhoTheyAre(person: Person = ada): Promise<void> {
    await this.page.getByLabel("Given name").fill(person.given);
    await this.page.getByLabel("Family name").fill(person.family);
    await this.page.getByLabel("Email").fill(person.email);
  }

  async continues(): Promise<void> {
    await this.button("Continue").click();
  }

  // ---- payment ---------------------------------------------------------------------------------

  /** Says the act and the sum; `aria-disabled` while the seats are not confirmed. */
  get pay(): Locator {
    return this.button(/^Pay /);
  }

  get completeRegistration(): Locator {
    return this.button("Complete registration");
  }

  async pays(): Promise<void> {
    await this.pay.click();
  }

  /** At the simulated provider. */
  async answersPayment(answer: "Accept" | "Decline" | "Answer later"): Promise<void> {
    await this.button(answer).click();
  }

  // ---- afterwards ------------------------------------------------------------------------------

  /** The six characters as they are shown, `K7M-2QX`. */
  async accessCode(): Promise<string> {
    const code = this.page.getByText(/^[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{3}$/).first();
    return (await code.textContent())?.trim() ?? "";
  }

  async findsTheOrder(slug: string, email: string, accessCode: string): Promise<void> {
    await this.page.goto(`/${slug}/find`);
    await this.page.getByLabel("Email").fill(email);
    await this.page.getByLabel("Access code").fill(accessCode);
    await this.button("Find my order").click();
  }

  // ---- what the screen says --------------------------------------------------------------------

  /** The main heading: the state of the order in words, "Your seats are held until 14:32". */
  heading(name: string | RegExp): Locator {
    return this.page.getByRole("heading", { name });
  }

  /** What assistive technology is told politely. */
  get status(): Locator {
    return this.page.getByRole("status");
  }

  /** What assistive technology is told at once. */
  get alert(): Locator {
    return this.page.getByRole("alert");
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  link(name: string): Locator {
    return this.page.getByRole("link", { name, exact: true });
  }
}
