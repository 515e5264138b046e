// Two people want the same seats. Nobody loses what he typed, and each is told what he got and what he can do.

import { type Conference, expect, seatsGone, test, timePasses } from "../house.ts";
import type { RegistrationPage } from "../pages/registration.ts";

const five = { seat_types: [{ quota: 5 }] };
/** A second type with many seats, so that the conference as a whole is not scarce. */
const fewWorkshops = (quota: number) => ({ seat_types: [{}, { name: "Workshop", price_minor: 5_000, quota }] });

async function wantsFiveWhenThreeAreLeft(registrant: RegistrationPage, other: RegistrationPage, { slug }: Conference) {
  await registrant.opensTheSeats(slug);
  await registrant.chooses(5, "General admission");
  await other.holds(slug, 2);
  await expect(registrant.seatType("General admission")).toContainText("You chose 5. Only 3 are left now.");
}

test("takes fewer seats when a neighbour was faster", async ({ registrant, anotherPerson, conference }) => {
  await wantsFiveWhenThreeAreLeft(registrant, await anotherPerson(), await conference(five));
  // The number is theirs: nobody changes it behind their back.
  await expect(registrant.quantity("General admission")).toHaveValue("5");
  await registrant.button("Take 3").click();
  await expect(registrant.quantity("General admission")).toHaveValue("3");
  await registrant.button("Reserve 3 seats").click();
  await expect(registrant.heading("Your details")).toBeVisible();
});

test("asks for five, gets three, and pays for three", async ({ registrant, anotherPerson, conference, server, voice }) => {
  const wanted = await conference(five);
  await wantsFiveWhenThreeAreLeft(registrant, await anotherPerson(), wanted);
  await registrant.reserves();

  const panel = registrant.page.getByRole("region", { name: "We could hold 3 of the 5 seats you asked for" });
  await expect(panel.getByRole("heading")).toBeFocused();
  await expect(panel).toContainText("General admission: 3 of 5 held");
  await expect(panel.getByRole("timer")).toBeAttached();
  await expect(panel.getByRole("button", { name: "Change my seats" })).toBeVisible();
  await expect(panel.getByRole("button", { name: "Let these seats go" })).toBeVisible();
  await expect(registrant.quantity("General admission")).toHaveValue("3");
  await expect.poll(() => voice.texts).toContain("3 of 5 seats are held for you. Review your order.");

  await registrant.button("Continue with 3 seats (€597)").click();
  await expect(registrant.held).toBeVisible();
  await expect(registrant.heading("Your details")).toBeVisible();
  await registrant.tellsWhoTheyAre();
  await registrant.continues();
  await expect(registrant.pay).toHaveText("Pay €597");
  await registrant.pays();
  await registrant.answersPayment("Accept");
  await expect(registrant.registered).toBeVisible();
  expect(await seatsGone(server, wanted)).toEqual({ sold: 3, held: 2 });
});

test("presses Reserve in the same moment as somebody else", async ({ registrant, anotherPerson, conference, server }) => {
  const wanted = await conference(five);
  const other = await anotherPerson();
  for (const person of [registrant, other]) {
    await person.opensTheSeats(wanted.slug);
    await person.chooses(3, "General admission");
  }
  await Promise.all([registrant.reserves(), other.reserves()]);
  const got = (person: RegistrationPage) =>
    person.held.or(person.heading("We could hold 2 of the 3 seats you asked for"));
  await expect(got(registrant)).toBeVisible();
  await expect(got(other)).toBeVisible();
  expect(await seatsGone(server, wanted)).toEqual({ sold: 0, held: 5 });
});

test("is told that the last seats went, and chooses again", async ({ registrant, anotherPerson, conference }) => {
  const { slug } = await conference(fewWorkshops(2));
  await registrant.opensTheSeats(slug);
  await registrant.chooses(2, "Workshop");
  await (await anotherPerson()).holds(slug, { Workshop: 2 });
  await expect(registrant.seatType("Workshop")).toContainText("All held right now. Some may come back.");
  await registrant.reserves();
  const panel = registrant.page.getByRole("region", { name: "Those seats were taken while you were choosing" });
  await expect(panel).toContainText("Workshop: none left");
  await expect(panel).toContainText("nothing was charged");
  await expect(registrant.timer).toHaveCount(0);
  await registrant.button("Choose again").click();
  await expect(registrant.quantity("General admission")).toBeFocused();
  await registrant.chooses(0, "Workshop");
  await registrant.chooses(1, "General admission");
  await registrant.reserves();
  await expect(registrant.heading("Your details")).toBeVisible();
  await expect(registrant.held).toBeVisible();
});

test("gets one type in full and another not at all", async ({ registrant, anotherPerson, conference }) => {
  const { slug } = await conference(fewWorkshops(1));
  await registrant.opensTheSeats(slug);
  await registrant.chooses(2, "General admission");
  await registrant.chooses(1, "Workshop");
  await (await anotherPerson()).holds(slug, { Workshop: 1 });
  await expect(registrant.seatType("Workshop")).toContainText("None are left now.");
  await registrant.reserves();
  const panel = registrant.page.getByRole("region", { name: "We could hold 2 of the 3 seats you asked for" });
  await expect(panel.getByRole("listitem")).toHaveText(["General admission: 2 of 2 held", "Workshop: none left"]);
  await registrant.button("Continue with 2 seats (€398)").click();
  await expect(registrant.heading("Your details")).toBeVisible();
});

test("goes on to the details at once, and hears there that only three were left", async ({
  registrant,
  conference,
  line,
  server,
}) => {
  const { slug, seat_types } = await conference();
  await registrant.opensTheSeats(slug);
  await expect(registrant.page.getByText("Live", { exact: true })).toBeVisible();
  await registrant.chooses(5, "General admission");
  // The page has just seen a hundred seats, and will not hear that there are three.
  line.hush();
  await server.changeQuota(slug, seat_types[0]!.id, 3);
  await registrant.reserves();

  await expect(registrant.heading("Your details")).toBeVisible();
  await registrant.page.getByLabel("Given name").fill("Ada");
  await expect(registrant.heading("We could hold 3 of the 5 seats you asked for")).toBeVisible();
  await registrant.tellsWhoTheyAre();
  await registrant.continues();
  await expect(registrant.pay).toHaveAccessibleDescription("Choose what to do about your seats first.");
  await registrant.button("Continue with 3 seats (€597)").click();
  await expect(registrant.pay).toBeEnabled();
  await expect(registrant.page.getByText("Ada Lovelace")).toBeVisible();
  await registrant.pays();
  await expect(registrant.page.getByText("€597").first()).toBeVisible();
});

test("changes the seats during a hold, and the clock does not start again", async ({ registrant, conference, server }) => {
  const wanted = await conference({ seat_types: [{ quota: 8 }] });
  await registrant.comesToPay(wanted.slug, 2);
  const until = await registrant.held.textContent();
  await timePasses(server, wanted, 5 * 60);
  await registrant.page.getByRole("link", { name: "Change seats" }).click();
  await expect(registrant.page.getByText("You hold: 2 General admission.")).toBeVisible();
  await expect(registrant.page.getByText("The clock does not start again when you change your seats.")).toBeVisible();
  await expect(registrant.seatType("General admission")).toContainText("6 left + your 2");
  await registrant.chooses(3, "General admission");
  await registrant.button("Update my seats").click();
  await expect(registrant.pay).toHaveText("Pay €597");
  await expect(registrant.held).toHaveText(until!);
  await expect(registrant.timer).toHaveText("9 minutes left to pay");
  expect(await seatsGone(server, wanted)).toEqual({ sold: 0, held: 3 });
});

test("is offered the seats that come back", async ({ registrant, anotherPerson, conference, server }) => {
  const wanted = await conference(five);
  const other = await anotherPerson();
  await wantsFiveWhenThreeAreLeft(registrant, other, wanted);
  await registrant.reserves();
  await expect(registrant.heading("We could hold 3 of the 5 seats you asked for")).toBeVisible();
  await other.letsTheSeatsGo();
  await registrant.button(/^2 more are free now/).click();
  await expect(registrant.quantity("General admission")).toHaveValue("5");
  await expect(registrant.held).toBeVisible();
  expect(await seatsGone(server, wanted)).toEqual({ sold: 0, held: 5 });
});
