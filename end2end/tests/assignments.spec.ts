// After the purchase: who sits where, on every device at once; the tickets; giving the order back; and coming back to it
// by a mailed link.

import { readFile } from "node:fs/promises";
import type { Locator, Page } from "@playwright/test";
import { hasNoBarrier } from "../barriers.ts";
import { type Conference, expect, mailsTo, seatsGone, test as base } from "../house.ts";
import { ada, grace, type Person, type RegistrationPage } from "../pages/registration.ts";
import { order } from "../purchase.ts";

const jon: Person = { given: "Jon", family: "Jaffe", email: "jon@example.org" };

/** The page "Your seats" in the registrant's words. */
class SeatsPage {
  constructor(readonly page: Page) {}

  seat(number: number): Locator {
    return this.page.getByRole("listitem").filter({ has: this.page.getByRole("heading", { name: new RegExp(`^Seat ${number} of`) }) });
  }

  async types(number: number, { given, family, email }: Person): Promise<void> {
    const seat = this.seat(number);
    await seat.getByLabel("Given name").fill(given);
    await seat.getByLabel("Family name").fill(family);
    await seat.getByLabel("Email address").fill(email);
  }

  /** Goes on to something else, as somebody does who believes that it saves itself. */
  async leaves(): Promise<void> {
    await this.page.getByRole("heading", { name: "Keep it" }).click();
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  get progress(): Locator {
    return this.page.getByText(/^\d of \d assigned$/);
  }
}

type Fixtures = {
  bought: { conference: Conference; person: Person; code: string };
  seats: SeatsPage;
};

const test = base.extend<Fixtures>({
  // Somebody with three seats, before the page where names are given.
  bought: async ({ registrant, conference }, use, info) => {
    const seat_types = [{ quota: 20 }, { name: "Workshop day", quota: 5, price_minor: 34_950 }];
    const made = await conference({ seat_types, cancel_until: Date.now() + 40 * 24 * 3_600_000 });
    const person = { ...ada, email: `ada.${info.testId.slice(-12)}.${info.project.name}.${info.repeatEachIndex}@example.org` };
    await registrant.buys(made.slug, { "General admission": 2, "Workshop day": 1 }, person);
    const code = await registrant.accessCode();
    await registrant.link("Say who sits where (0 of 3 done)").click();
    await expect(registrant.page.getByText("0 of 3 assigned")).toBeVisible();
    await use({ conference: made, person, code });
  },
  seats: async ({ page, bought }, use) => {
    expect(bought.code).not.toBe("");
    await use(new SeatsPage(page));
  },
});

/** The same order in another browser, opened by e-mail and code. */
async function onAnotherDevice(other: RegistrationPage, { conference, person, code }: Fixtures["bought"]): Promise<SeatsPage> {
  await other.findsTheOrder(conference.slug, person.email, code);
  await expect(other.registered).toBeVisible();
  await other.page.getByRole("link", { name: /^Say who sits where/ }).click();
  const seats = new SeatsPage(other.page);
  await expect(seats.progress).toBeVisible();
  return seats;
}

test("names seats on two devices, and each sees what the other did", async ({ seats, bought, anotherPerson }) => {
  const phone = await onAnotherDevice(await anotherPerson(), bought);
  await seats.types(1, ada);
  await seats.leaves();
  await expect(seats.seat(1)).toContainText("Assigned");
  await expect(seats.progress).toHaveText("1 of 3 assigned");
  await expect(phone.progress).toHaveText("1 of 3 assigned");
  await expect(phone.seat(1)).toContainText("Changed elsewhere to Ada Lovelace just now");
  await expect(phone.seat(1).getByLabel("Given name")).toHaveValue("Ada");

  // What is being typed is nobody else's to change.
  await seats.seat(2).getByLabel("Given name").fill("Gr");
  await phone.types(2, jon);
  await phone.button("Save, seat 2").click();
  await expect(seats.seat(2)).toContainText("Changed elsewhere to Jon Jaffe just now");
  await expect(seats.seat(2).getByLabel("Given name")).toHaveValue("Gr");
  await phone.page.reload();
  await expect(phone.progress).toHaveText("2 of 3 assigned");
  await expect(phone.seat(2).getByLabel("Given name")).toHaveValue("Jon");
});

test("goes from seat to seat with Enter, and hears what is missing", async ({ seats, page, bought }) => {
  await seats.button("Use my details").click();
  await expect(seats.seat(1)).toContainText("Assigned");
  await expect(seats.seat(1).getByLabel("Email address")).toHaveValue(bought.person.email);
  await seats.seat(2).getByLabel("Given name").fill("Grace");
  await page.keyboard.press("Enter");
  await expect(seats.seat(2).getByText("Enter your family name")).toBeVisible();
  await expect(seats.seat(2).getByLabel("Family name")).toBeFocused();
  await page.keyboard.type("Hopper");
  await seats.seat(2).getByLabel("Email address").fill(grace.email);
  await page.keyboard.press("Enter");
  await expect(seats.seat(3).getByLabel("Given name")).toBeFocused();
  await expect(seats.progress).toHaveText("2 of 3 assigned");
  await seats.types(3, grace);
  await page.keyboard.press("Enter");
  await expect(seats.progress).toHaveText("3 of 3 assigned");
});

test("pastes a list, and sees who goes where before anything is written", async ({ seats, page }) => {
  await page.getByText("Paste a list of names").click();
  await page.getByLabel("One person a line").fill("Grace Hopper, grace@example.org\nsomebody\nJaffe\tJon\tjon@example.org");
  const preview = page.getByRole("list", { name: "Preview" }).getByRole("listitem");
  await expect(preview).toHaveText([
    "Seat 1 Grace Hopper · grace@example.org",
    "Seat 2 Jaffe Jon · jon@example.org",
    "Line 2: There is no email address in this line.",
  ]);
  await expect(seats.progress).toHaveText("0 of 3 assigned");
  await seats.button("Fill 2 seats").click();
  await expect(seats.progress).toHaveText("2 of 3 assigned");
  await expect(seats.progress).toBeFocused();
});

test("gives a seat to somebody else after a warning, and takes a name off unless it is undone", async ({ seats, page, server }) => {
  await page.clock.install();
  await page.reload();
  await expect(seats.progress).toBeVisible();
  await seats.types(1, grace);
  await seats.button("Save, seat 1").click();
  await expect(seats.progress).toHaveText("1 of 3 assigned");
  await seats.types(1, jon);
  await expect(seats.seat(1)).toContainText("Grace's ticket will stop working. We'll email both of them.");
  await seats.leaves();
  await expect(seats.seat(1), "a seat is not given away by leaving it").toContainText("ticket will stop working");
  await seats.button("Give the seat away, seat 1").click();
  await expect(seats.seat(1)).not.toContainText("ticket will stop working");
  await expect.poll(async () => (await mailsTo(server, jon.email)).length).toBeGreaterThan(0);

  await seats.button("Take the name off seat 1").click();
  await expect(seats.button("Undo")).toBeFocused();
  await seats.button("Undo").click();
  await page.clock.fastForward(11_000);
  await expect(seats.progress).toHaveText("1 of 3 assigned");
  await seats.button("Take the name off seat 1").click();
  await page.clock.fastForward(11_000);
  await expect(seats.progress).toHaveText("0 of 3 assigned");
  await expect(seats.seat(1).getByLabel("Given name")).toHaveValue("");
});

test("keeps what could not be sent, and sends it only at a press", async ({ seats, context, browserConsole }) => {
  browserConsole.expect(/ERR_INTERNET_DISCONNECTED/, /WebSocket/);
  await context.setOffline(true);
  await seats.types(1, grace);
  await seats.button("Save, seat 1").click();
  await expect(seats.seat(1)).toContainText("Not sent yet");
  await context.setOffline(false);
  await expect(seats.seat(1).getByLabel("Given name")).toHaveValue("Grace");
  await seats.button("Send, seat 1").click();
  await expect(seats.seat(1)).toContainText("Assigned");
});

test("cancels after one question, gets the money back, and the seats return", async ({ seats, page, bought, server, browserConsole }) => {
  browserConsole.expect(/status of 409/);
  await seats.button("Use my details").click();
  await expect(seats.progress).toHaveText("1 of 3 assigned");
  expect(await seatsGone(server, bought.conference)).toEqual({ sold: 3, held: 0 });
  await seats.button("Cancel my registration…").click();
  const question = page.getByRole("dialog");
  await expect(question).toContainText("Your 3 seats go back on sale");
  await expect(question).toContainText("We refund €747.50 to the way you paid.");
  await seats.button("Keep my registration").click();
  await expect(question).toBeHidden();
  await seats.button("Cancel my registration…").click();
  await seats.button("Cancel my registration").click();
  await expect(page.getByRole("heading", { name: "Your registration is cancelled" })).toBeFocused();
  await expect(page.getByText("€747.50 was refunded.")).toBeVisible();
  expect(await seatsGone(server, bought.conference)).toEqual({ sold: 0, held: 0 });
  // Its old address says the same.
  await page.goto(page.url().replace(/assign$/, "confirmed"));
  await expect(page.getByRole("heading", { name: "Your registration is cancelled" })).toBeVisible();
});

test("cannot cancel or change names when it is too late", async ({ seats, page, bought, server }) => {
  await seats.button("Use my details").click();
  await expect(seats.progress).toHaveText("1 of 3 assigned");
  const { slug } = bought.conference;
  await server.advanceClock(41 * 24 * 3_600_000);
  await page.goto(`/${slug}`);
  await page.goBack();
  await expect(seats.progress).toBeVisible();
  await expect(seats.button("Cancel my registration…")).toHaveCount(0);
  await server.advanceClock(400 * 24 * 3_600_000);
  await page.reload();
  await expect(page.getByText(/^Names could be changed until /)).toBeVisible();
  await expect(seats.seat(1)).toContainText(`Ada Lovelace · ${bought.person.email}`);
  await expect(page.getByLabel("Given name")).toHaveCount(0);
});

test("opens the order by a mailed link, once", async ({ bought, anotherPerson, server, browserConsole }) => {
  browserConsole.expect(/status of 4\d\d/);
  const { conference, person } = bought;
  const other = await anotherPerson();
  await other.page.goto(`/${conference.slug}/find`);
  await other.page.getByLabel("Email address").fill(person.email);
  await other.button("Email me my order links").click();
  await expect(other.page.getByText("If there are orders for that address, we've sent the links.").last()).toBeVisible();
  const linkIn = (mail: string) => /http:\S+\/find#link=[\w-]+/.exec(mail.replaceAll("=\r\n", "").replaceAll("=3D", "="))?.[0];
  let link: string | undefined;
  await expect.poll(async () => (link = (await mailsTo(server, person.email)).map(linkIn).find(Boolean))).toBeTruthy();
  const path = new URL(link!).pathname + new URL(link!).hash;
  await other.page.goto("/");
  await other.page.goto(path);
  await expect(other.registered).toBeVisible();
  expect(other.page.url()).not.toContain("link=");

  const late = await anotherPerson();
  await late.page.goto(path);
  await expect(late.link("This link has ended: each works once, and for 24 hours. Get a new one below.")).toBeVisible();
  expect(late.page.url(), "the secret has left the address").not.toContain("#");
  await expect(late.button("Email me my order links")).toBeVisible();
});

test("prints one page for each ticket, adds the conference to a calendar, and gets the mail again", async ({ seats, page, bought, server }, info) => {
  await seats.button("Use my details").click();
  await expect(seats.progress).toHaveText("1 of 3 assigned");
  await seats.types(2, grace);
  await seats.button("Save, seat 2").click();
  await expect(seats.progress).toHaveText("2 of 3 assigned");
  const before = (await mailsTo(server, bought.person.email)).length;
  await seats.button("Send again").click();
  await expect.poll(async () => (await mailsTo(server, bought.person.email)).length).toBeGreaterThan(before);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Add to calendar" }).click()]);
  const calendar = await readFile((await download.path()) ?? "", "utf8");
  expect(calendar).toMatch(/^BEGIN:VCALENDAR\r\n/);
  expect(calendar).toContain(`SUMMARY:Contoso ${bought.conference.slug}`);

  await page.getByRole("link", { name: "Print tickets" }).click();
  const tickets = page.getByRole("listitem");
  await expect(tickets).toHaveCount(2);
  await expect(tickets.nth(1)).toContainText("Grace Hopper");
  await expect(tickets.nth(1)).toContainText(/[0-9A-Z]{4}(-[0-9A-Z]{4}){3}/);
  await expect(tickets.nth(1).getByRole("img", { name: "The ticket as a QR code" })).toBeVisible();
  const paper = (await page.pdf({ path: info.outputPath("tickets.pdf"), format: "A6", landscape: true })).toString("latin1");
  expect(paper.match(/\/Type\s*\/Page\b/g)).toHaveLength(2);
});

test("has no barrier in any state of the seats", async ({ seats, page, bought, anotherPerson, browserConsole }) => {
  browserConsole.expect(/status of 40\d/);
  test.slow();
  await hasNoBarrier(seats, "seats", seats.progress);
  await page.getByText("Paste a list of names").click();
  await page.getByLabel("One person a line").fill("Grace Hopper, grace@example.org\nsomebody");
  await hasNoBarrier(seats, "seats, pasted", page.getByRole("list", { name: "Preview" }));
  await seats.button("Fill 1 seat").click();
  await expect(seats.progress).toHaveText("1 of 3 assigned");
  await seats.types(1, jon);
  await seats.button("Save, seat 2").click();
  await hasNoBarrier(seats, "seats, a warning and mistakes", page.getByText("Enter your given name"));
  await seats.button("Cancel my registration…").click();
  await hasNoBarrier(seats, "the question", page.getByRole("dialog"));
  await seats.button("Keep my registration").click();
  await page.goto(page.url().replace(/assign$/, "tickets"));
  await hasNoBarrier(seats, "tickets", page.getByRole("heading", { name: "Grace Hopper" }));
  const other = await anotherPerson();
  await other.page.goto(page.url());
  await hasNoBarrier(other, "tickets, not on this device", other.heading("This order isn't open on this device"));
  await other.page.goto(`/${bought.conference.slug}/find`);
  await hasNoBarrier(other, "find", other.button("Email me my order links"));
});

test("shows the seats of an order to nobody without its secret", async ({ server, conference, registrant, browserConsole }) => {
  browserConsole.expect(/status of 40\d/);
  const made = await conference({ seat_types: [{ price_minor: 0 }] });
  const { id } = await order(server, made, [1]);
  await registrant.page.goto(`/${made.slug}/order/${id}/assign`);
  await expect(registrant.heading("This order isn't open on this device")).toBeVisible();
  await expect(registrant.page.getByText(ada.email)).toHaveCount(0);
});
