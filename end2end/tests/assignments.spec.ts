// After the purchase: who sits where, on every device at once, typed, pasted, undone, without a connection, without a
// pointer, and too late.

import { hasNoBarrier, tabsTo } from "../barriers.ts";
import { ASSIGN_DAYS, DAY_MS, test } from "../bought.ts";
import { expect, mailsTo, timePasses } from "../house.ts";
import { ada, grace, type Person } from "../pages/registration.ts";
import { onAnotherDevice } from "../pages/seats.ts";
import { order } from "../purchase.ts";

const jon: Person = { given: "Jon", family: "Jaffe", email: "jon@example.org" };

test("names seats on two devices, and each sees what the other did", async ({ seats, bought, anotherPerson }) => {
  const phone = await onAnotherDevice(await anotherPerson(), bought.conference.slug, bought.person, bought.code);
  await seats.types(1, ada);
  await seats.leaves();
  await expect(seats.seat(1)).toContainText("Assigned");
  await expect(seats.progress).toHaveText("1 of 3 assigned");
  await expect(phone.progress).toHaveText("1 of 3 assigned");
  await expect(phone.seat(1)).toContainText("Changed elsewhere to Ada Lovelace just now");
  await expect(phone.seat(1).getByLabel("Given name")).toHaveValue("Ada");

  // What is being typed is nobody else's to change.
  await seats.seat(2).getByLabel("Given name").fill("Gr");
  await phone.assigns(2, jon);
  await expect(seats.seat(2)).toContainText("Changed elsewhere to Jon Jaffe just now");
  await expect(seats.seat(2).getByLabel("Given name")).toHaveValue("Gr");
  await phone.page.reload();
  await expect(phone.progress).toHaveText("2 of 3 assigned");
  await expect(phone.seat(2).getByLabel("Given name")).toHaveValue("Jon");
});

test("goes from seat to seat with the keyboard alone, and hears what is missing", async ({ seats, page, bought }) => {
  await tabsTo(page, seats.button("Use my details"));
  await page.keyboard.press("Enter");
  await expect(seats.seat(1)).toContainText("Assigned");
  await expect(seats.seat(1).getByLabel("Email address")).toHaveValue(bought.person.email);
  await expect(seats.seat(1).getByLabel("Given name"), "the button is gone").toBeFocused();
  await tabsTo(page, seats.seat(2).getByLabel("Given name"));
  await page.keyboard.type("Grace");
  await page.keyboard.press("Enter");
  await expect(seats.seat(2).getByText("Enter your family name")).toBeVisible();
  await expect(seats.seat(2).getByLabel("Family name")).toBeFocused();
  await page.keyboard.type("Hopper");
  await page.keyboard.press("Tab");
  await page.keyboard.type(grace.email);
  await page.keyboard.press("Enter");
  await expect(seats.seat(3).getByLabel("Given name")).toBeFocused();
  await expect(seats.progress).toHaveText("2 of 3 assigned");
  for (const word of [grace.given, grace.family, grace.email]) {
    await page.keyboard.type(word);
    await page.keyboard.press("Tab");
  }
  // From its button on to what comes next.
  await page.keyboard.press("Tab");
  await expect(seats.progress, "a seat that is complete and left saves itself").toHaveText("3 of 3 assigned");
});

test("says quietly when one address has two seats of a type", async ({ seats }) => {
  await seats.assigns(1, grace);
  await seats.types(2, grace);
  await expect(seats.seat(2)).toContainText("This address has another seat of this type, too.");
  await seats.saves(2);
  await expect(seats.progress, "but lets them").toHaveText("2 of 3 assigned");
  await seats.types(3, grace);
  await expect(seats.seat(3), "another type is no second seat").not.toContainText("another seat of this type");
});

test("pastes a list, and sees who goes where before anything is written", async ({ seats, page }) => {
  await seats.pastes('Grace Hopper, grace@example.org\nsomebody\nJon\tJaffe\tjon@example.org\n"Lovelace, Ada" <ada@example.org>');
  const preview = page.getByRole("list", { name: "Preview" }).getByRole("listitem");
  await expect(preview).toHaveText([
    "Seat 1 Grace Hopper · grace@example.org",
    "Seat 2 Jon Jaffe · jon@example.org",
    "Seat 3 Ada Lovelace · ada@example.org",
    "Line 2: There is no email address in this line.",
  ]);
  await expect(seats.progress).toHaveText("0 of 3 assigned");
  await seats.button("Fill 3 seats").click();
  await expect(seats.progress).toHaveText("3 of 3 assigned");
  await expect(seats.progress).toBeFocused();
  await page.reload();
  await expect(seats.progress).toHaveText("3 of 3 assigned");
});

test("gives a seat to somebody else after a warning, and takes a name off unless it is undone", async ({ seats, page, server }) => {
  await page.clock.install();
  await page.reload();
  await seats.assigns(1, grace);
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

test("takes the name off at once when the page is left meanwhile", async ({ seats, page }) => {
  await seats.assigns(1, grace);
  await seats.button("Take the name off seat 1").click();
  await expect(seats.button("Undo")).toBeVisible();
  await seats.link("Print tickets").click();
  await expect(page.getByText("There is a ticket for every seat that has a name.")).toBeVisible();
  await page.goBack();
  await expect(seats.progress).toHaveText("0 of 3 assigned");
});

test("keeps what could not be sent, and sends it only at a press", async ({ seats, context, browserConsole }) => {
  browserConsole.expect(/ERR_INTERNET_DISCONNECTED/, /WebSocket/);
  await seats.assigns(2, jon);
  await context.setOffline(true);
  await seats.types(1, grace);
  await seats.saves(1);
  await expect(seats.seat(1)).toContainText("Not sent yet");
  await seats.leaves();
  await context.setOffline(false);
  // The way is free again, as another seat shows.
  await seats.assigns(3, ada);
  await expect(seats.seat(1)).toContainText("Not sent yet");
  await expect(seats.seat(1).getByLabel("Given name")).toHaveValue("Grace");
  await expect(seats.progress).toHaveText("2 of 3 assigned");
  await seats.button("Send, seat 1").click();
  await expect(seats.progress).toHaveText("3 of 3 assigned");
  await expect(seats.seat(1)).not.toContainText("Not sent yet");
});

test("is told that it is too late, with what was typed kept beside the old name", async ({ seats, page, bought, server, browserConsole }) => {
  browserConsole.expect(/status of 409/);
  await expect(page.getByText(/^Names can be changed until \d/)).toBeVisible();
  await seats.assigns(1, grace);
  await seats.types(1, { ...grace, family: "Brewster" });
  // Time goes on, and nothing tells the page.
  await server.advanceClock((ASSIGN_DAYS + 1) * DAY_MS);
  await seats.saves(1);
  await expect(seats.seat(1)).toContainText("You typed Grace Brewster · grace@example.org.");
  await expect(seats.seat(1).getByLabel("Family name"), "the old name is true").toHaveValue("Hopper");
  await seats.button("Try again").click();
  await expect(seats.seat(1)).toContainText("You typed Grace Brewster");
  // Now it hears what time it is.
  await timePasses(server, bought.conference, 1);
  await expect(page.getByText(/^Names could be changed until /)).toBeVisible();
  await expect(seats.seat(1)).toContainText("Grace Hopper · grace@example.org");
  await expect(seats.seat(1)).toContainText("Not saved: Grace Brewster · grace@example.org");
  await expect(page.getByLabel("Given name")).toHaveCount(0);
  await expect(page.getByText("Paste a list of names")).toHaveCount(0);
});

test("shows the seats of an order to nobody without its secret", async ({ server, conference, registrant, browserConsole }) => {
  browserConsole.expect(/status of 40\d/);
  const made = await conference({ seat_types: [{ price_minor: 0 }] });
  const { id } = await order(server, made, [1]);
  await registrant.page.goto(`/${made.slug}/order/${id}/assign`);
  await expect(registrant.heading("This order isn't open on this device")).toBeVisible();
  await expect(registrant.page.getByText(ada.email)).toHaveCount(0);
  await registrant.link("Find your order").click();
  await expect(registrant.heading("Find your order")).toBeVisible();
});

test("has no barrier in any state of the seats", async ({ seats, page, browserConsole }) => {
  browserConsole.expect(/status of 40\d/);
  test.slow();
  await hasNoBarrier(seats, "seats", seats.progress);
  await seats.pastes("Grace Hopper, grace@example.org\nsomebody");
  await hasNoBarrier(seats, "seats, pasted", page.getByRole("list", { name: "Preview" }));
  await seats.button("Fill 1 seat").click();
  await expect(seats.progress).toHaveText("1 of 3 assigned");
  await seats.types(1, jon);
  await seats.saves(2);
  await hasNoBarrier(seats, "seats, a warning and mistakes", page.getByText("Enter your given name"));
});
