// Bad lines and dying servers: the page says what it knows, keeps what was typed, and nobody is booked twice.

import type { Route } from "@playwright/test";
import { expect, seatsGone, test } from "../house.ts";

// What a browser says by itself about lines that a test cuts.
const lostLine = [/WebSocket connection/, /net::ERR_/, /Failed to load resource/];
const live = { name: "Live" };

test("sees that the numbers are old while the line is cut, and that they are true again", async ({
  registrant,
  conference,
  line,
  server,
  browserConsole,
  voice,
}) => {
  browserConsole.expect(...lostLine);
  const { slug, seat_types } = await conference({ seat_types: [{ quota: 9 }] });
  await registrant.opensTheSeats(slug);
  await expect(registrant.page.getByText(live.name, { exact: true })).toBeVisible();
  // The whole server is away for this page: sockets and requests.
  await registrant.page.route("**/api/**", (route) => route.abort("connectionrefused"));
  await line.cut();
  await expect(registrant.connection).toContainText(/^(Reconnecting… Numbers are from|You're offline\.)/);
  await expect(registrant.page.getByText(/^As of \d\d:\d\d:\d\d$/)).toBeVisible();
  await server.changeQuota(slug, seat_types[0]!.id, 4);
  // Old numbers are shown as old, never as none.
  await expect(registrant.seatType("General admission")).toContainText("9 left");

  await registrant.page.unroute("**/api/**");
  line.mend();
  await registrant.connection.getByRole("button", { name: "Try now" }).click();
  await expect(registrant.connection).toContainText("Back online. Everything is up to date.");
  await expect(registrant.seatType("General admission")).toContainText("4 left");
  await expect(registrant.connection).toHaveCount(0);
  await expect(registrant.page.getByText(live.name, { exact: true })).toBeVisible();
  const told = voice.texts.filter((text) => /online|offline|Reconnecting/.test(text));
  expect(told.at(-1)).toBe("Back online. Everything is up to date.");
  expect(new Set(told).size, `each change is said once: ${told}`).toBe(told.length);
});

test("reconnects by itself after a short break without a word", async ({ registrant, conference, line, server }) => {
  const { slug, seat_types } = await conference({ seat_types: [{ quota: 9 }] });
  await registrant.opensTheSeats(slug);
  await expect(registrant.page.getByText(live.name, { exact: true })).toBeVisible();
  await line.cut();
  line.mend();
  await server.changeQuota(slug, seat_types[0]!.id, 4);
  await expect(registrant.seatType("General admission")).toContainText("4 left");
  await expect(registrant.connection).toHaveCount(0);
});

test("waits for nothing, and the page asks for nothing", async ({ registrant, conference }) => {
  await registrant.page.clock.install();
  const { slug } = await conference();
  await registrant.comesToPay(slug, 2);
  const asked: string[] = [];
  registrant.page.on("request", (request) => asked.push(request.url()));
  await registrant.page.clock.runFor(15_000);
  await registrant.page.evaluate(() => fetch("/favicon.svg"));
  expect(asked.filter((url) => url.includes("/api/"))).toEqual([]);
});

test("buys behind a proxy that refuses sockets", async ({ registrant, conference, line, server }) => {
  const wanted = await conference();
  await line.cut();
  await registrant.opensTheSeats(wanted.slug);
  await expect(registrant.page.getByText("Every 10 s", { exact: true })).toBeVisible();
  await expect(registrant.connection).toHaveCount(0);
  await registrant.buys(wanted.slug, 2);
  expect(await seatsGone(server, wanted)).toEqual({ sold: 2, held: 0 });
});

test("goes offline while typing and loses nothing", async ({ registrant, conference, context, line, browserConsole, voice }) => {
  browserConsole.expect(...lostLine);
  const { slug } = await conference();
  await registrant.holds(slug, 2);
  await registrant.page.getByLabel("Given name").fill("Ada");
  await line.cut();
  await context.setOffline(true);
  await expect(registrant.connection).toContainText(
    "You're offline. What you typed is safe on this device. Reserving and paying need a connection.",
  );
  await registrant.tellsWhoTheyAre();
  await registrant.continues();
  await expect(registrant.pay).toBeDisabled();
  await registrant.pay.focus();
  await registrant.page.keyboard.press("Enter");
  await expect(registrant.heading("Check your answers")).toBeVisible();
  await expect.poll(() => voice.texts.filter((text) => text.startsWith("You're offline. What you typed"))).toHaveLength(1);

  line.mend();
  await context.setOffline(false);
  await expect(registrant.connection).toContainText("Back online. Everything is up to date.");
  await expect(registrant.page.getByText("Ada Lovelace")).toBeVisible();
  const again = registrant.button("Save my details");
  await expect(again.or(registrant.button(/^Pay €398$/).and(registrant.page.locator(":not([aria-disabled=true])"))).first()).toBeVisible();
  if (await again.isVisible()) await again.click();
  await expect(registrant.pay).toBeEnabled();
});

test("presses Reserve while offline and nothing is sent later", async ({
  registrant,
  conference,
  context,
  line,
  server,
  browserConsole,
}) => {
  browserConsole.expect(...lostLine);
  const wanted = await conference();
  await registrant.opensTheSeats(wanted.slug);
  await expect(registrant.page.getByText(live.name, { exact: true })).toBeVisible();
  await registrant.chooses(2, "General admission");
  await line.cut();
  await context.setOffline(true);
  await expect(registrant.connection).toContainText("You're offline.");
  await registrant.reserves();
  await expect(registrant.status).toHaveText("You're offline. Reserving needs a connection.");
  line.mend();
  await context.setOffline(false);
  await expect(registrant.connection).toContainText("Back online.");
  await expect(registrant.quantity("General admission")).toHaveValue("2");
  await expect(registrant.heading("Choose your seats")).toBeVisible();
  expect(await seatsGone(server, wanted)).toEqual({ sold: 0, held: 0 });
  await registrant.reserves();
  await expect(registrant.held).toBeVisible();
});

test("never hears whether the seats were reserved, asks again, and holds them once", async ({
  registrant,
  conference,
  line,
  server,
  browserConsole,
}) => {
  browserConsole.expect(...lostLine);
  const wanted = await conference({ seat_types: [{ quota: 8 }] });
  await registrant.opensTheSeats(wanted.slug);
  await expect(registrant.page.getByText(live.name, { exact: true })).toBeVisible();
  await registrant.chooses(2, "General admission");
  // Left alone, the page would soon find out by itself.
  await registrant.page.route("**/api/views/**", (route) => route.abort("connectionrefused"));
  // The server does it and dies before anybody hears of it.
  await registrant.page.route("**/api/commands/register-to-conference", dies(server, "after"), { times: 1 });
  await registrant.reserves();
  const unsure = registrant.page.getByRole("region", { name: "We haven't heard back yet. It's safe to try again" });
  await expect(unsure).toBeVisible();
  await expect(registrant.timer).toHaveCount(0);
  await line.cut();
  await comesBack(server);
  const asks = registrant.page.waitForRequest("**/api/commands/register-to-conference");
  await unsure.getByRole("button", { name: "Check again" }).click();
  await asks;
  await registrant.page.unroute("**/api/views/**");
  await expect(registrant.held).toBeVisible();
  expect(await seatsGone(server, wanted)).toEqual({ sold: 0, held: 2 });
});

test("presses Reserve in the moment the server dies, and the same order completes", async ({
  registrant,
  conference,
  server,
  browserConsole,
}) => {
  browserConsole.expect(...lostLine);
  const wanted = await conference();
  await registrant.opensTheSeats(wanted.slug);
  await expect(registrant.page.getByText(live.name, { exact: true })).toBeVisible();
  await registrant.chooses(2, "General admission");
  await registrant.page.route("**/api/commands/register-to-conference", dies(server, "before"), { times: 1 });
  await registrant.reserves();
  await expect(registrant.heading("Your details")).toBeVisible();
  const order = registrant.page.url();
  await registrant.tellsWhoTheyAre();
  await comesBack(server);
  await registrant.button("Check again").click();
  await expect(registrant.held).toBeVisible();
  expect(registrant.page.url()).toBe(order);
  await registrant.continues();
  await expect(registrant.pay).toBeEnabled();

  // And once more, when the money is on its way.
  await registrant.page.route("**/api/commands/initiate-payment", dies(server, "after"), { times: 1 });
  await registrant.pays();
  // Whether the server could still tell that a payment has begun is chance; that it says so, or that it does not know.
  await expect(
    registrant.heading("Waiting for your payment…").or(registrant.page.getByText("you can't be charged twice.")),
  ).toBeVisible();
  await comesBack(server);
  const back = registrant.link("Return to the payment page").or(registrant.button(/^Pay €398$/));
  await expect(back.first()).toBeEnabled();
  await back.first().click();
  await expect(registrant.heading("Pay for your registration")).toBeVisible();
  await server.restart();
  await registrant.answersPayment("Accept");
  await expect(registrant.registered).toBeVisible();
  expect(await seatsGone(server, wanted)).toEqual({ sold: 2, held: 0 });
});

test("is confirmed although the server died when the bank said yes", async ({ registrant, conference, server, browserConsole }) => {
  browserConsole.expect(...lostLine);
  const wanted = await conference();
  await registrant.comesToTheProvider(wanted.slug, 2);
  const order = registrant.page;
  await order.route("**/simulated-provider/decide", dies(server, "after"), { times: 1 });
  await registrant.answersPayment("Accept");
  await expect.poll(() => server.isRunning).toBe(false);
  await comesBack(server);
  // The browser shows its own error page now; whoever comes back by the address sees the truth.
  await registrant.opensConference(wanted.slug);
  await expect.poll(() => seatsGone(server, wanted)).toEqual({ sold: 2, held: 0 });
});

/** Kills the server before or after it did what was asked; the answer is lost either way. */
function dies(server: { kill(): Promise<void> }, when: "before" | "after") {
  return async (route: Route) => {
    if (when === "after") await route.fetch({ maxRedirects: 0 });
    await server.kill();
    await route.abort("connectionreset");
  };
}

/** Starts the server again, once it is dead: the page is often further than the request that kills it. */
async function comesBack(server: { isRunning: boolean; start(): Promise<void> }): Promise<void> {
  await expect.poll(() => server.isRunning, { message: "the server has died" }).toBe(false);
  await server.start();
}

test("a trap of the app's own code leaves a way out, never a dead page", async ({ registrant, conference, browserConsole }) => {
  browserConsole.expect(/unreachable/, /an extension of the browser/);
  const { slug } = await conference({});
  await registrant.opensTheSeats(slug);
  const { page } = registrant;
  await expect(page.locator("#fault")).toBeHidden();
  // A foreign script's mistake is not ours.
  await page.evaluate(() => setTimeout(() => { throw new Error("an extension of the browser"); }));
  await page.evaluate(() => {
    // (module (func (export "f") unreachable))
    const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 5, 1, 3, 0, 0, 11];
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)));
    setTimeout(exports.f as () => void);
  });
  await expect(page.locator("#fault")).toBeVisible();
  await page.getByRole("link", { name: "Reload this page" }).click();
  await expect(registrant.seatType("General admission")).toBeVisible();
});
