// The registrant's acts in the customer's words. A test reads like the story it tells; roles and accessible names
// are the only way in, so a control that loses its label breaks a test.
// Not here: what must be true afterwards (the specs).

import { expect, type Locator, type Page } from "@playwright/test";

export type Person = { given: string; family: string; email: string };

export const ada: Person = { given: "Ada", family: "Lovelace", email: "ada@example.org" };
export const grace: Person = { given: "Grace", family: "Hopper", email: "grace@example.org" };

/** How many seats of which type. */
export type Seats = Record<string, number>;

/** The seat type of a conference that a test does not describe. */
const oneSeatType = "General admission";

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

  async opensTheSeats(slug: string): Promise<void> {
    await this.page.goto(`/${slug}/seats`);
    await this.isTakenOver();
  }

  /** The line is so slow that only the server's first page comes. Returns what lets the app come, too. */
  async waitsForTheApp(): Promise<() => void> {
    let come = () => {};
    const coming = new Promise<void>((resolve) => {
      come = resolve;
    });
    await this.page.route("**/*.wasm", async (route) => {
      await coming;
      await route.continue();
    });
    return come;
  }

  /** The app stands where the server's first page was. */
  async isTakenOver(): Promise<void> {
    await expect(this.page.locator("#static")).toHaveCount(0);
  }

  // ---- whole stretches, for tests whose story begins later --------------------------------------

  /** Has seats held, and stands before the question who is registering. */
  async holds(slug: string, seats: Seats | number): Promise<void> {
    await this.opensTheSeats(slug);
    for (const [seatType, count] of Object.entries(typeof seats === "number" ? { [oneSeatType]: seats } : seats)) {
      await this.chooses(count, seatType);
    }
    await this.reserves();
    await expect(this.held).toBeVisible();
    await expect(this.heading("Your details")).toBeVisible();
  }

  /** Holds seats, has said who is registering, and may pay. */
  async comesToPay(slug: string, seats: Seats | number, person: Person = ada): Promise<void> {
    await this.holds(slug, seats);
    await this.tellsWhoTheyAre(person);
    await this.continues();
    await expect(this.page.getByText("Your seats are confirmed.", { exact: true }).last()).toBeVisible();
  }

  /** Stands at the provider. */
  async comesToTheProvider(slug: string, seats: Seats | number, person: Person = ada): Promise<void> {
    await this.comesToPay(slug, seats, person);
    await this.pays();
    await expect(this.heading("Pay for your registration")).toBeVisible();
  }

  /** From choosing seats to the confirmation. */
  async buys(slug: string, seats: Seats | number, person: Person = ada): Promise<void> {
    await this.comesToTheProvider(slug, seats, person);
    await this.answersPayment("Accept");
    await expect(this.registered).toBeVisible();
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
    return this.button(/^(Reserve( \d+)? seats?|Update my seats)$/);
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
    await this.unfoldsTheSummary();
    await this.button("Leave or let the seats go").click();
    await this.button("Let them go now").click();
  }

  /** On a phone the order is one line until somebody presses it. */
  async unfoldsTheSummary(): Promise<void> {
    const folded = this.page.getByText(/^\d+ seats? · .* · held until \d\d:\d\d$/);
    if (await folded.isVisible()) await folded.click();
  }

  /** After the end of a hold. */
  async triesToGetTheSameSeats(): Promise<void> {
    await this.button("Try to get the same seats").click();
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
  async answersPayment(answer: "Accept" | "Decline" | "Answer later" | "Answer twice"): Promise<void> {
    await this.button(answer).click();
  }

  /** At the simulated provider's list of pending payments. */
  async answersPendingPayment(slug: string, answer: "Accept" | "Decline"): Promise<void> {
    await this.page.goto("/simulated-provider/pending");
    const payment = this.page.getByRole("region").filter({ hasText: `Registration, ${slug}` });
    await payment.getByRole("button", { name: answer, exact: true }).click();
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

  get held(): Locator {
    return this.heading(/^Your seats? (is|are) held until \d\d:\d\d$/);
  }

  get registered(): Locator {
    return this.heading("You're registered");
  }

  /** The time left, as it is read aloud. */
  get timer(): Locator {
    return this.page.getByRole("timer");
  }

  /** The banner about the connection. */
  get connection(): Locator {
    return this.page.getByRole("region", { name: "Connection" });
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
