// What others do shows by itself, in place; and addresses that lead nowhere say so.

import { expect, test } from "../house.ts";

/** A sale reaches every open page within this time. */
const A_MOMENT_MS = 1_000;

test("watches seats go, and nothing moves under the finger", async ({ registrant, anotherPerson, conference }) => {
  const { slug } = await conference({ seat_types: [{ quota: 10 }, { name: "Workshop", quota: 3 }] });
  const buyer = await anotherPerson();
  await registrant.opensTheSeats(slug);
  await expect(registrant.page.getByText("Live", { exact: true })).toBeVisible();
  await expect(registrant.seatType("General admission")).toContainText("10 left");
  await registrant.chooses(1, "Workshop");
  const rows = registrant.page.getByRole("group").filter({ has: registrant.page.getByRole("spinbutton") });
  const places = () => rows.evaluateAll((rows) => rows.map((row) => JSON.stringify(row.getBoundingClientRect())));
  const before = await places();

  await buyer.holds(slug, 7);
  await expect(registrant.seatType("General admission")).toContainText("3 left", { timeout: A_MOMENT_MS });
  expect(await places()).toEqual(before);
  await expect(registrant.quantity("Workshop")).toHaveValue("1");
  await buyer.tellsWhoTheyAre();
  await buyer.continues();
  await buyer.pays();
  await buyer.answersPayment("Accept");
  await expect(buyer.registered).toBeVisible();
  await expect(registrant.seatType("General admission")).toContainText("3 left");
  await (await anotherPerson()).holds(slug, 3);
  await expect(registrant.seatType("General admission")).toContainText("All held right now. Some may come back.", {
    timeout: A_MOMENT_MS,
  });
  await expect(registrant.quantity("General admission")).toHaveCount(0);
  await expect(registrant.seatType("General admission")).toBeVisible();
});

test("sees on the conference's own page that it sells out", async ({ registrant, anotherPerson, conference }) => {
  const { slug } = await conference({ seat_types: [{ quota: 2 }] });
  await registrant.opensConference(slug);
  await expect(registrant.page.getByRole("listitem").filter({ hasText: "2 left" })).toBeVisible();
  await (await anotherPerson()).buys(slug, 2);
  await expect(registrant.page.getByRole("listitem").filter({ hasText: "Sold out" })).toBeVisible();
  await expect(registrant.link("Register")).toHaveCount(0);
});

test("hears nothing about what other people buy", async ({ registrant, anotherPerson, conference, voice }) => {
  const { slug } = await conference({ seat_types: [{ quota: 9 }] });
  await registrant.opensTheSeats(slug);
  await expect(registrant.page.getByText("Live", { exact: true })).toBeVisible();
  await (await anotherPerson()).holds(slug, 4);
  await expect(registrant.seatType("General admission")).toContainText("5 left");
  expect(voice.said).toEqual([]);
});

test("pauses the numbers to read them in peace", async ({ registrant, anotherPerson, conference }) => {
  const { slug } = await conference({ seat_types: [{ quota: 9 }] });
  await registrant.opensTheSeats(slug);
  await expect(registrant.seatType("General admission")).toContainText("9 left");
  await registrant.button("Pause").click();
  await expect(registrant.page.getByText(/^Paused at \d\d:\d\d$/)).toBeVisible();
  await (await anotherPerson()).holds(slug, 4);
  await expect(registrant.seatType("General admission")).toContainText("9 left");
  await registrant.button("Resume").click();
  await expect(registrant.seatType("General admission")).toContainText("5 left");
});

test("follows a wrong address and finds the way back", async ({ registrant, conference, browserConsole }) => {
  browserConsole.expect(/status of 404/);
  const { slug, name } = await conference();
  for (const address of ["/no-such-conference", "/no-such-conference/seats", `/${slug}/nonsense`, `/${slug}/order/1/details`]) {
    const answer = await registrant.page.goto(address);
    expect(answer?.status(), address).toBe(404);
    await expect(registrant.heading("We can't find that page")).toBeVisible();
  }
  await registrant.link("See all conferences").click();
  await registrant.link(name).click();
  await expect(registrant.heading(name)).toBeFocused();
});

test("learns nothing about a conference that is not published", async ({ registrant, conference, server, browserConsole }) => {
  browserConsole.expect(/status of 404/);
  const { slug, name } = await conference({ published: false });
  const answer = await registrant.page.goto(`/${slug}`);
  expect(answer?.status()).toBe(404);
  expect(await answer?.text()).not.toContain(name);
  await expect(registrant.heading("We can't find that page")).toBeVisible();
  await expect(registrant.page).not.toHaveTitle(new RegExp(slug));
  await server.publish(slug, true);
  await registrant.opensConference(slug);
  await expect(registrant.heading(name)).toBeVisible();
  await server.publish(slug, false);
  await expect(registrant.heading("We can't find that page")).toBeVisible();
});
