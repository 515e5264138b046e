// The clock of a hold: when it shows, what it says aloud, how to get more time, and what the end leaves untouched.

import { expect, seatsGone, test, timePasses } from "../house.ts";

const MINUTE = 60;

test("sees no clock before the seats are held", async ({ registrant, conference, line }) => {
  const { slug } = await conference();
  await registrant.opensTheSeats(slug);
  await expect(registrant.page.getByText("Live", { exact: true })).toBeVisible();
  await registrant.chooses(2, "General admission");
  const letThrough = await line.stopCommands();
  await registrant.reserves();
  await expect(registrant.heading("Reserving your seats…")).toBeVisible();
  await expect(registrant.timer).toHaveCount(0);
  letThrough();
  await expect(registrant.held).toBeVisible();
  await expect(registrant.timer).toHaveText("14 minutes left to pay");
  await expect(registrant.page.getByText("Your seats are held for 15 minutes. You can ask for more time.").last()).toBeVisible();
});

test("hears how much time is left, rarely", async ({ registrant, conference, server, voice }) => {
  const wanted = await conference();
  await registrant.holds(wanted.slug, 2);
  const heard = (how: "status" | "alert", text: string | RegExp) =>
    expect.poll(() => voice.said.at(-1)).toEqual({ how, text: typeof text === "string" ? text : expect.stringMatching(text) });
  await heard("status", "Your seats are held for 15 minutes. You can ask for more time.");
  await timePasses(server, wanted, 10 * MINUTE + 5);
  await heard("status", "5 minutes left to pay.");
  await expect(registrant.timer).toHaveText("4 minutes left to pay");
  await expect(registrant.page).toHaveTitle(/^Your details/);
  await timePasses(server, wanted, 3 * MINUTE);
  await heard("status", "2 minutes left to pay.");
  await expect(registrant.page).toHaveTitle(/^1:\d\d left – Your details/);
  await timePasses(server, wanted, MINUTE);
  await heard("alert", "One minute left. Press Keep my seats for five more.");
  await timePasses(server, wanted, 30);
  await heard("alert", /^\d\d seconds left to pay\.$/);
  await timePasses(server, wanted, 30);
  await heard("alert", "Your hold has ended. Everything you typed is still here.");
  expect(voice.said).toHaveLength(6);
});

test("silences the reminders but for the last minute and the end", async ({ registrant, conference, server, voice }) => {
  const wanted = await conference();
  await registrant.holds(wanted.slug, 1);
  await expect.poll(() => voice.texts).toEqual(["Your seats are held for 15 minutes. You can ask for more time."]);
  await registrant.page.getByRole("switch", { name: "Time reminders" }).uncheck();
  await timePasses(server, wanted, 10 * MINUTE + 5);
  await expect(registrant.timer).toHaveText("4 minutes left to pay");
  await timePasses(server, wanted, 4 * MINUTE);
  await expect.poll(() => voice.texts.at(-1)).toMatch(/^One minute left/);
  expect(voice.texts.join()).not.toContain("5 minutes left");
  await registrant.page.reload();
  await expect(registrant.page.getByRole("switch", { name: "Time reminders" })).not.toBeChecked();
});

test("keeps the seats five more minutes", async ({ registrant, conference, server, voice }) => {
  const wanted = await conference();
  await registrant.holds(wanted.slug, 2);
  const before = await registrant.held.textContent();
  await timePasses(server, wanted, 11 * MINUTE);
  await expect(registrant.timer).toHaveText("3 minutes left to pay");
  await expect(registrant.button("Keep my seats 5 more minutes")).toHaveCount(0);
  await timePasses(server, wanted, MINUTE + 5);
  await registrant.button("Keep my seats 5 more minutes").click();
  await expect(registrant.timer).toHaveText("7 minutes left to pay");
  await expect(registrant.held).not.toHaveText(before!);
  await expect.poll(() => voice.texts.at(-1)).toBe(await registrant.held.textContent());
});

test("is offered more time in the last minute without being interrupted", async ({ registrant, conference, server }) => {
  const wanted = await conference();
  await registrant.holds(wanted.slug, 2);
  const givenName = registrant.page.getByLabel("Given name");
  await givenName.pressSequentially("Ad");
  await timePasses(server, wanted, 14 * MINUTE + 10);
  const offer = registrant.page.getByRole("region", { name: "Time left" });
  await expect(offer).toContainText("Less than a minute left to pay.");
  await expect(givenName).toBeFocused();
  await registrant.page.keyboard.type("a");
  await expect(givenName).toHaveValue("Ada");
  await expect(registrant.link("Keep my seats")).toBeAttached();
  await offer.getByRole("button", { name: "Keep my seats" }).click();
  await expect(offer).toHaveCount(0);
  await expect(registrant.timer).toHaveText("5 minutes left to pay");
});

test("sees the hold end, keeps what was typed, and gets the same seats again", async ({
  registrant,
  anotherPerson,
  conference,
  server,
}) => {
  const wanted = await conference({ seat_types: [{ quota: 5 }] });
  const other = await anotherPerson();
  await registrant.holds(wanted.slug, 3);
  await other.opensTheSeats(wanted.slug);
  await expect(other.seatType("General admission")).toContainText("2 left");
  await registrant.tellsWhoTheyAre();

  await timePasses(server, wanted, 15 * MINUTE);
  await expect(registrant.heading("Your hold has ended")).toBeVisible();
  await expect(registrant.heading("Your details")).toBeVisible();
  await expect(registrant.page.getByLabel("Family name")).toHaveValue("Lovelace");
  await expect(registrant.timer).toHaveCount(0);
  // The server holds a little longer than it shows.
  await expect(other.seatType("General admission")).toContainText("2 left");
  await timePasses(server, wanted, 61);
  await expect(other.seatType("General admission")).toContainText("5 left");
  expect(await seatsGone(server, wanted)).toEqual({ sold: 0, held: 0 });

  await registrant.triesToGetTheSameSeats();
  await expect(registrant.held).toBeVisible();
  await expect(other.seatType("General admission")).toContainText("2 left");
  await expect(registrant.heading("Check your answers")).toBeVisible();
  await expect(registrant.page.getByText("Ada Lovelace")).toBeVisible();
  await registrant.pays();
  await registrant.answersPayment("Accept");
  await expect(registrant.registered).toBeVisible();
  expect(await seatsGone(server, wanted)).toEqual({ sold: 3, held: 0 });
});

test("tries again in the moment of the end, although the old hold still stands", async ({ registrant, conference, server }) => {
  const wanted = await conference({ seat_types: [{ quota: 3 }] });
  await registrant.comesToPay(wanted.slug, 3);
  await timePasses(server, wanted, 15 * MINUTE);
  await registrant.triesToGetTheSameSeats();
  await expect(registrant.held).toBeVisible();
  await expect(registrant.pay).toBeEnabled();
  expect(await seatsGone(server, wanted)).toEqual({ sold: 0, held: 3 });
});

test("pays in the last second", async ({ registrant, conference, server }) => {
  const wanted = await conference();
  await registrant.comesToPay(wanted.slug, 1);
  await timePasses(server, wanted, 15 * MINUTE - 20);
  await registrant.pays();
  await expect(registrant.heading("Pay for your registration")).toBeVisible();
  // The bank may take its time.
  await timePasses(server, wanted, 5 * MINUTE);
  await registrant.answersPayment("Accept");
  await expect(registrant.registered).toBeVisible();
});

test("says who is registering before the hold when seats are scarce", async ({
  registrant,
  anotherPerson,
  conference,
  server,
}) => {
  const wanted = await conference({ seat_types: [{ quota: 40 }] });
  await (await anotherPerson()).holds(wanted.slug, 20);
  await server.changeQuota(wanted.slug, wanted.seat_types[0]!.id, 21);

  await registrant.opensTheSeats(wanted.slug);
  await expect(registrant.seatType("General admission")).toContainText("1 left");
  await registrant.chooses(1, "General admission");
  await registrant.button("Reserve 1 seat").click();
  await expect(registrant.heading("Your details")).toBeVisible();
  await expect(registrant.page.getByText("Seats are scarce, so we ask this first.")).toBeVisible();
  await expect(registrant.timer).toHaveCount(0);
  await registrant.tellsWhoTheyAre();
  await registrant.button("Reserve 1 seat").click();
  await expect(registrant.heading("Check your answers")).toBeVisible();
  await expect(registrant.held).toBeVisible();
  await expect(registrant.page.getByText("this time can't be extended").last()).toBeVisible();
  await timePasses(server, wanted, 13 * MINUTE);
  await expect(registrant.timer).toHaveText("1 minute left to pay");
  await expect(registrant.button(/^Keep my seats/)).toHaveCount(0);
  await registrant.pays();
  await registrant.answersPayment("Accept");
  await expect(registrant.registered).toBeVisible();
});

test("asks for more time too late, because seats became scarce", async ({
  registrant,
  conference,
  line,
  server,
  browserConsole,
}) => {
  browserConsole.expect(/status of 409/);
  const wanted = await conference({ seat_types: [{ quota: 100 }] });
  await registrant.holds(wanted.slug, 20);
  await timePasses(server, wanted, 13 * MINUTE);
  await expect(registrant.button("Keep my seats 5 more minutes")).toBeVisible();
  line.hush();
  await server.changeQuota(wanted.slug, wanted.seat_types[0]!.id, 20);
  await registrant.button("Keep my seats 5 more minutes").click();
  await expect(
    registrant.page.getByRole("main").getByText("Because seats are scarce, this time can't be extended."),
  ).toBeVisible();
  await expect(registrant.held).toBeVisible();
});

test("wakes the device from sleep and sees the true time", async ({ registrant, conference, server }) => {
  await registrant.page.clock.install();
  const wanted = await conference();
  await registrant.comesToPay(wanted.slug, 2);
  await expect(registrant.timer).toHaveText("14 minutes left to pay");
  // Asleep, a device's steady clock stands still and its calendar goes on.
  await server.advanceClock(10 * MINUTE * 1000);
  await registrant.page.clock.setSystemTime(Date.now() + 10 * MINUTE * 1000);
  await expect(registrant.timer).toHaveText("4 minutes left to pay");
  await expect(registrant.pay).toBeEnabled();
});

test("sets the device's clock wrongly and sees the true time", async ({ registrant, conference }) => {
  await registrant.page.clock.install({ time: new Date("2001-02-03T04:05:06Z") });
  const { slug } = await conference();
  await registrant.holds(slug, 1);
  await expect(registrant.timer).toHaveText("14 minutes left to pay");
});
