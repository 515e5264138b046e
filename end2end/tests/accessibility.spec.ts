// For everybody: no automatic finding in any state and either colour scheme, the whole way by keyboard, few words aloud, a
// narrow screen, and something to read without JavaScript.

import { hasNoBarrier, tabsTo } from "../barriers.ts";
import { expect, test, timePasses } from "../house.ts";
import { ada } from "../pages/registration.ts";

/** A whole purchase may say this much by itself. */
const SAID_MAX = 8;

test.use({ contextOptions: { reducedMotion: "reduce" } });

test("buys seats on pages without a barrier", async ({ registrant, anotherPerson, conference, line }) => {
  test.slow();
  const { slug } = await conference();
  const { page } = registrant;
  await registrant.opensTheDirectory();
  await hasNoBarrier(registrant, "directory", registrant.heading("Conferences worth the journey"));
  await registrant.opensConference(slug);
  await hasNoBarrier(registrant, "conference home", registrant.link("Register"));
  await registrant.goesToRegister();
  await hasNoBarrier(registrant, "seats", registrant.quantity("General admission"));
  await registrant.reserves();
  await hasNoBarrier(registrant, "seats, error", registrant.heading("There is a problem"));
  await registrant.button("Pause").click();
  await hasNoBarrier(registrant, "seats, paused", page.getByText(/^Paused at/));
  await registrant.button("Resume").click();

  // Choosing asks for fresh numbers; only on those the app goes on before it is answered.
  const letThrough = await line.stopCommands();
  await registrant.chooses(2, "General admission");
  await registrant.reserves();
  await hasNoBarrier(registrant, "details, reserving", registrant.heading("Reserving your seats…"));
  await registrant.continues();
  await hasNoBarrier(registrant, "details, error", registrant.heading("There is a problem"));
  await registrant.tellsWhoTheyAre({ ...ada, email: "ada@exmaple.org" });
  await registrant.continues();
  await hasNoBarrier(registrant, "payment, gate closed", registrant.pay);
  letThrough();
  await expect(registrant.held).toBeVisible();
  await expect(registrant.pay).toBeEnabled();
  await hasNoBarrier(registrant, "payment, held", registrant.held);
  await registrant.pays();
  await hasNoBarrier(registrant, "provider", registrant.button("Accept"));
  await registrant.answersPayment("Answer later");
  await hasNoBarrier(registrant, "payment, waiting", registrant.heading("Waiting for your payment…"));
  const bank = await anotherPerson();
  await bank.page.goto("/simulated-provider/pending");
  await hasNoBarrier(bank, "provider, pending payments", bank.heading("Pending payments"));
  await bank.answersPendingPayment(slug, "Accept");
  await expect(registrant.registered).toBeVisible();
  await hasNoBarrier(registrant, "confirmed", registrant.button("Copy access code"));
});

test("begins without a barrier before the app has arrived", async ({ registrant, conference }) => {
  const { slug } = await conference({ seat_types: [{}, { name: "Workshop", quota: 0 }] });
  const arrive = await registrant.waitsForTheApp();
  await registrant.page.goto(`/${slug}/seats`, { waitUntil: "commit" });
  await hasNoBarrier(registrant, "seats, first page", registrant.quantity("General admission"));
  arrive();
  await registrant.isTakenOver();
});

test("meets trouble on pages without a barrier", async ({
  registrant,
  anotherPerson,
  conference,
  server,
  context,
  line,
  browserConsole,
}) => {
  test.slow();
  browserConsole.expect(/status of 4\d\d/, /net::ERR_/, /WebSocket/);
  const wanted = await conference({ seat_types: [{}, { name: "Workshop", quota: 5 }] });
  const { slug } = wanted;
  const { page } = registrant;
  const other = await anotherPerson();
  await registrant.opensTheSeats(slug);
  await registrant.chooses(5, "Workshop");
  await other.holds(slug, { Workshop: 3 });
  await hasNoBarrier(registrant, "seats, fewer left", registrant.button("Take 2"));
  await registrant.reserves();
  await hasNoBarrier(registrant, "seats, partly held", registrant.heading("We could hold 2 of the 5 seats you asked for"));
  await registrant.button("Let these seats go").click();
  await hasNoBarrier(registrant, "seats, leaving", page.getByRole("dialog"));
  await registrant.button("Stay here").click();

  await other.tellsWhoTheyAre();
  await timePasses(server, wanted, 14 * 60 + 5);
  await hasNoBarrier(other, "details, last minute", other.page.getByRole("region", { name: "Time left" }));
  await timePasses(server, wanted, 60);
  await hasNoBarrier(other, "details, expired", other.heading("Your hold has ended"));
  await other.continues();
  await hasNoBarrier(other, "payment, expired", other.button("Try to get the same seats"));

  const third = await anotherPerson();
  await third.comesToTheProvider(slug, 1);
  await third.answersPayment("Decline");
  await hasNoBarrier(third, "payment, declined", third.page.getByText("Your payment was declined"));
  const closed = third.page.url();

  await registrant.page.goto(closed);
  await hasNoBarrier(registrant, "payment, not on this device", registrant.heading("This order isn't open on this device"));
  await page.goto(`/${slug}/find`);
  await hasNoBarrier(registrant, "find", registrant.button("Find my order"));
  await registrant.findsTheOrder(slug, ada.email, "K7M-2QX");
  await hasNoBarrier(registrant, "find, error", registrant.heading("There is a problem"));
  await page.goto("/nowhere/at/all");
  await hasNoBarrier(registrant, "not found", registrant.heading("We can't find that page"));
  await page.goto("/simulated-provider/pay?amount=1");
  await hasNoBarrier(registrant, "provider, not valid", registrant.heading("This payment link is not valid"));

  await registrant.opensTheSeats(slug);
  await expect(registrant.quantity("Workshop")).toBeVisible();
  await line.cut();
  await context.setOffline(true);
  await hasNoBarrier(registrant, "seats, offline", registrant.connection);
});

test("sees that the last seats went, on a page without a barrier", async ({ registrant, anotherPerson, conference }) => {
  const { slug } = await conference({ seat_types: [{}, { name: "Workshop", quota: 1 }] });
  await registrant.opensTheSeats(slug);
  await registrant.chooses(1, "Workshop");
  await (await anotherPerson()).buys(slug, { Workshop: 1 });
  await expect(registrant.seatType("Workshop")).toContainText("Sold out");
  await registrant.reserves();
  await hasNoBarrier(registrant, "seats, none held", registrant.heading("That seat was taken while you were choosing"));
});

// A phone has no Tab key.
test("buys two seats with nothing but the keyboard", { tag: "@desktop" }, async ({ registrant, conference }) => {
  const { slug } = await conference();
  const { page } = registrant;
  await registrant.opensConference(slug);
  await tabsTo(page, page.getByRole("link", { name: "Skip to main content" }));
  await tabsTo(page, registrant.link("Register"));
  await page.keyboard.press("Enter");
  await expect(registrant.heading("Choose your seats")).toBeFocused();
  await tabsTo(page, registrant.quantity("General admission"));
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowDown");
  await expect(registrant.quantity("General admission")).toHaveValue("2");
  await tabsTo(page, registrant.reserve);
  await page.keyboard.press("Enter");
  await expect(registrant.heading("Your details")).toBeFocused();
  for (const [label, text] of [
    ["Given name", "Ada"],
    ["Family name", "Lovelace"],
    ["Email address", "ada@example.org"],
  ] as const) {
    await tabsTo(page, page.getByLabel(label));
    await page.keyboard.type(text);
  }
  await page.keyboard.press("Enter");
  await expect(registrant.heading("Check your answers")).toBeFocused();
  await expect(registrant.pay).toBeEnabled();
  await tabsTo(page, registrant.pay);
  await page.keyboard.press("Enter");
  await expect(registrant.heading("Pay for your registration")).toBeVisible();
  await tabsTo(page, registrant.button("Accept"));
  await page.keyboard.press("Enter");
  await expect(registrant.registered).toBeFocused();
  await tabsTo(page, registrant.button("Copy access code"));
});

test("closes a question with Escape and finds the focus where it was", async ({ registrant, conference }) => {
  const { slug } = await conference();
  await registrant.holds(slug, 1);
  await registrant.unfoldsTheSummary();
  const leave = registrant.button("Leave or let the seats go");
  await leave.focus();
  await registrant.page.keyboard.press("Enter");
  await expect(registrant.page.getByRole("dialog", { name: "Leave with your seats held?" })).toBeVisible();
  await registrant.page.keyboard.press("Escape");
  await expect(registrant.page.getByRole("dialog")).toHaveCount(0);
  await expect(leave).toBeFocused();
});

test("hears a whole purchase in a few sentences", async ({ registrant, conference, voice }) => {
  const { slug } = await conference();
  await registrant.opensConference(slug);
  await registrant.goesToRegister();
  for (let seats = 0; seats < 3; seats += 1) await registrant.takesOneMore("General admission");
  await registrant.reserves();
  await registrant.tellsWhoTheyAre();
  await registrant.continues();
  await expect(registrant.pay).toBeEnabled();
  await expect.poll(() => voice.texts.join()).toContain("Your seats are held for 15 minutes.");
  await registrant.pays();
  await registrant.answersPayment("Accept");
  await expect(registrant.registered).toBeVisible();
  expect(voice.said.length, voice.texts.join(" | ")).toBeLessThanOrEqual(SAID_MAX);
  expect(await registrant.page.locator('[role="status"], [role="alert"], [aria-live]').count()).toBe(2);
});

test("hears on every page first where they are", async ({ registrant, conference }) => {
  const { name } = await conference();
  const { page } = registrant;
  const arrivesAt = async (heading: string, title: string) => {
    await expect(registrant.page.getByRole("heading", { level: 1, name: heading })).toBeFocused();
    await expect(page).toHaveTitle(title);
    expect(await page.evaluate(() => scrollY)).toBe(0);
  };
  await registrant.opensTheDirectory();
  await registrant.link(name).click();
  await arrivesAt(name, name);
  await registrant.goesToRegister();
  await arrivesAt("Choose your seats", `Choose your seats – ${name}`);
  await registrant.chooses(1, "General admission");
  await registrant.reserves();
  await arrivesAt("Your details", `Your details – ${name}`);
  await registrant.tellsWhoTheyAre();
  await registrant.continues();
  await arrivesAt("Check your answers", `Check and pay – ${name}`);
  await expect(registrant.pay).toBeEnabled();
  await registrant.pays();
  await registrant.answersPayment("Accept");
  await arrivesAt("You're registered", `You're registered – ${name}`);
  await page.getByRole("link", { name: "Find your order" }).click();
  // A document of its own: the browser begins at its top and reads its title by itself.
  await expect(registrant.heading("Find your order")).toBeVisible();
  await expect(page).toHaveTitle(`Find your order – ${name}`);
  expect(await page.evaluate(() => scrollY)).toBe(0);
});

test("reads the conference without JavaScript", async ({ browser, conference }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  const { slug, name } = await conference({
    tagline: "Two days on software that has to be right",
    description: "First paragraph.\n\nSecond <b>paragraph</b>.",
    seat_types: [{}, { name: "Workshop", description: "Bring a laptop", price_minor: 4_950, quota: 7 }],
  });
  await page.goto(`/${slug}`);
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(page.getByText("Two days on software that has to be right")).toBeVisible();
  await expect(page.getByRole("time")).toHaveText(/^\d.* 20\d\d$/);
  await expect(page.getByText("Berlin").first()).toBeVisible();
  const workshop = page.getByRole("listitem").filter({ hasText: "Workshop" });
  for (const fact of ["Bring a laptop", "€49.50", "7 left"]) await expect(workshop).toContainText(fact);
  await expect(page.getByText("Second <b>paragraph</b>.")).toBeVisible();
  await expect(page.getByRole("link", { name: "help@example.org" })).toBeVisible();
  // Locators by text never look into this element, whether it is shown or not.
  await expect(page.locator("noscript p")).toBeVisible();
  await expect(page.locator("noscript p")).toContainText("Registration needs JavaScript.", { useInnerText: true });
  await page.goto("/");
  await expect(page.getByRole("link", { name })).toBeVisible();
  await context.close();
});

test("is protected from scripts that are not ours", async ({ registrant, conference, browserConsole }) => {
  const { slug } = await conference({ description: "<script>document.title = 'stolen'</script><img src=x onerror=alert(1)>" });
  const answer = await registrant.page.goto(`/${slug}`);
  const policy = answer?.headers()["content-security-policy"] ?? "";
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toContain("unsafe-inline");
  expect(policy.replace("'wasm-unsafe-eval'", "")).not.toContain("unsafe-eval");
  await expect(registrant.page.getByText("<script>document.title = 'stolen'</script>")).toBeVisible();
  await registrant.buys(slug, 1);
  expect(browserConsole.surprises).toEqual([]);
});
