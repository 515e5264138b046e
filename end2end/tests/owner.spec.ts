// An owner at the desk: creates a conference, adds seats, publishes, shares the link, and sees the numbers move while
// somebody buys; comes back by e-mail and code; changes what may be changed and is told what may not.

import type { BrowserContext } from "@playwright/test";
import { hasNoBarrier } from "../barriers.ts";
import { rowsOf } from "../csv.ts";
import { expect, mailsTo, type Server, test as base } from "../house.ts";
import { DeskPage, mia, type Offer } from "../pages/desk.ts";
import { ada } from "../pages/registration.ts";

const offers: Offer[] = [
  { name: "General admission", price: "199", quota: 100, includes: "Both days, lunch included" },
  { name: "Workshop day", price: "349.50", quota: 12 },
  { name: "Students", price: "0", quota: 20 },
];

type Fixtures = {
  owner: DeskPage;
  /** The same owner, or another one, at another computer. */
  anotherDesk: () => Promise<DeskPage>;
  /** Unique per test, project and repetition: all tests of a worker share one server. */
  slug: string;
};

const test = base.extend<Fixtures>({
  owner: async ({ page }, use) => use(new DeskPage(page)),
  anotherDesk: async ({ browser, browserConsole }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext();
      contexts.push(context);
      browserConsole.listenTo(context);
      return new DeskPage(await context.newPage());
    });
    for (const context of contexts) await context.close();
  },
  slug: async ({}, use, info) => use(`own-${info.testId.slice(-12)}-${info.project.name}-${info.repeatEachIndex}`),
});

/** The access codes that were mailed to an owner, without those that are known. */
async function codesMailedTo(server: Server, email: string, known: string[] = []): Promise<string[]> {
  const theirs = (await mailsTo(server, email)).filter((mail) => mail.includes("Your conference is yours to manage"));
  const codes = theirs.map((mail) => /\b[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{3}\b/.exec(mail)?.[0] ?? "");
  return codes.filter((code) => code !== "" && !known.includes(code));
}

/** The one code that is mailed next. */
async function nextCode(server: Server, email: string, known: string[] = []): Promise<string> {
  await expect.poll(() => codesMailedTo(server, email, known)).toHaveLength(1);
  return (await codesMailedTo(server, email, known))[0]!;
}

test("creates a conference, adds seats, publishes it, and watches somebody buy", async ({ owner, anotherPerson, slug, server, browserConsole }) => {
  test.slow();
  const email = `${slug}@example.org`;
  await owner.creates("Rust Days 2031", slug, { ...mia, email });
  const code = await nextCode(server, email);
  await expect(owner.state).toHaveText("Hidden");
  await expect(owner.page.getByRole("list", { name: "Steps to the first sale" })).toBeVisible();
  const visitor = await anotherPerson();
  expect((await visitor.page.request.get(`/${slug}`)).status(), "nobody sees it yet").toBe(404);

  await owner.goesTo("Seats");
  for (const offer of offers) await owner.addsASeatType(offer);
  await expect(owner.seatType("Workshop day")).toContainText("€349.50");
  await expect(owner.seatType("Students")).toContainText("Free");
  await owner.goesTo("Dashboard");
  await owner.publishes();
  await owner.goesTo("Settings");
  const address = (await owner.publicLink.textContent()) ?? "";
  expect(new URL(address).pathname).toBe(`/${slug}`);

  await owner.goesTo("Dashboard");
  await expect(owner.tile("Left")).toHaveText("132");
  await visitor.page.goto(address);
  await visitor.goesToRegister();
  await visitor.isTakenOver();
  await visitor.chooses(2, "General admission");
  await visitor.reserves();
  await expect(visitor.held).toBeVisible();
  await expect(owner.tile("Held")).toHaveText("2");
  await visitor.tellsWhoTheyAre();
  await visitor.continues();
  await visitor.pays();
  await visitor.answersPayment("Accept");
  await expect(visitor.registered).toBeVisible();
  await expect(owner.tile("Sold"), "without a reload").toHaveText("2");
  await expect(owner.tile("Left")).toHaveText("130");
  await expect(owner.tile("Paid")).toHaveText("€398");

  const order = await visitor.accessCode();
  await owner.goesTo("Orders");
  const [heads, row, ...others] = rowsOf(await owner.downloads("Download as CSV"));
  const cells = new Map(heads!.map((head, index) => [head, row![index]]));
  expect(cells.get("Order")).toBe(order);
  expect(cells.get("Email")).toBe(ada.email);
  expect([...cells.values()]).toContain("398.00");
  expect(others).toEqual([]);
  await owner.link(order).click();
  await expect(owner.heading(`Order ${order}`)).toBeVisible();
  await expect(owner.page.getByRole("region", { name: "What happened" })).toContainText("confirmed");

  // The code that has been seen by too many is exchanged; the old one is worth nothing from then on.
  browserConsole.expect(/40[13]|422/);
  await owner.goesTo("Settings");
  await owner.button("Send a new access code").click();
  await owner.button("Send a new code").click();
  const fresh = await nextCode(server, email, [code]);
  await owner.signsOut();
  await owner.signsIn(email, code);
  await expect(owner.page.getByRole("region", { name: "There is a problem" })).toBeFocused();
  await owner.signsIn(email, fresh);
  await expect(owner.heading("Your conferences")).toBeVisible();
  await owner.link("Rust Days 2031").click();
  await expect(owner.tile("Sold")).toHaveText("2");
});

test("keeps what was typed over a reload, and names every mistake at once", async ({ owner }) => {
  await owner.opens("/manage/new");
  await owner.field("Name").fill("Über Straßen & Züge");
  await expect(owner.field("Address")).toHaveValue("ueber-strassen-zuege");
  await owner.field("Address").fill("zuege");
  await owner.field("Description").fill("One.\n\nTwo.");
  await owner.page.reload();
  await owner.isTakenOver();
  await expect(owner.field("Name")).toHaveValue("Über Straßen & Züge");
  await expect(owner.field("Description")).toHaveValue("One.\n\nTwo.");
  await owner.field("Name").fill("Another name");
  await expect(owner.field("Address"), "an address written by hand stays").toHaveValue("zuege");

  await owner.button("Create the conference").click();
  const summary = owner.page.getByRole("region", { name: "There is a problem" });
  await expect(summary).toBeFocused();
  await expect(summary.getByRole("link")).toHaveCount(5);
  await summary.getByRole("link", { name: "Enter the day and time it begins" }).click();
  await expect(owner.field("Begins")).toBeFocused();
  await expect(owner.field("Begins")).toHaveAttribute("aria-invalid", "true");
  await owner.field("Begins").fill("2031-05-03T09:00");
  await expect(owner.field("Begins"), "it goes the moment it is fixed").not.toHaveAttribute("aria-invalid", "true");
});

test("comes back by e-mail and code, to the very page that was asked for", async ({ owner, anotherDesk, server, slug, browserConsole }) => {
  browserConsole.expect(/401|403|422/);
  const email = `${slug}@example.org`;
  await owner.creates("Rust Days 2031", slug, { ...mia, email });
  const code = await nextCode(server, email);

  const laptop = await anotherDesk();
  await laptop.opens(`/manage/${slug}/settings`);
  await laptop.signsIn(email, "AAA-AAA");
  await expect(laptop.page.getByRole("region", { name: "There is a problem" })).toBeFocused();
  await laptop.signsIn(email, code.toLowerCase());
  await expect(laptop.heading("Settings")).toBeVisible();
  await expect(laptop.page).toHaveURL(new RegExp(`/manage/${slug}/settings$`));
  await expect(laptop.field("Name")).toHaveValue("Rust Days 2031");
  const cookies = await laptop.page.context().cookies();
  expect(cookies.every((cookie) => cookie.httpOnly && cookie.sameSite !== "None")).toBe(true);
  await laptop.goesToTheConferences();
  await expect(laptop.link("Rust Days 2031")).toBeVisible();
  await laptop.signsOut();
  await laptop.opens(`/manage/${slug}`);
  await expect(laptop.heading("Sign in to manage your conferences")).toBeVisible();
});

test("gets a lost code by mail", async ({ owner, conference, server, slug }) => {
  const email = `lost.${slug}@example.org`;
  await conference({ owner: { email, access_code: "K7M-2QX" } });
  const first = await nextCode(server, email);
  await owner.opens("/manage");
  await owner.button("Email me my access code").click();
  await expect(owner.page.getByRole("region", { name: "There is a problem" })).toBeFocused();
  await owner.field("Email address").fill(email);
  await owner.button("Email me my access code").click();
  await expect(owner.status).toHaveText("If you have conferences under that address, we've sent the code.");
  await expect.poll(() => codesMailedTo(server, email)).toEqual([first, first]);
});

test("shows nobody another owner's conference", async ({ owner, slug, conference, browserConsole }) => {
  browserConsole.expect(/404/);
  const { slug: theirs } = await conference();
  await owner.creates("Rust Days 2031", slug);
  await owner.opens(`/manage/${theirs}`);
  await expect(owner.heading("We can't find that page")).toBeVisible();
  await owner.opens("/manage/no-such-conference");
  await expect(owner.heading("We can't find that page")).toBeVisible();
});

test("changes a quota in place, and chooses when somebody else was faster", async ({ owner, anotherPerson, slug, server, browserConsole }) => {
  browserConsole.expect(/409 \(Conflict\)/);
  await owner.creates("Rust Days 2031", slug);
  await owner.goesTo("Seats");
  await owner.addsASeatType(offers[0]!);
  await owner.goesTo("Dashboard");
  await owner.publishes();
  await owner.goesTo("Seats");
  const visitor = await anotherPerson();
  await visitor.holds(slug, { "General admission": 3 });
  await expect(owner.seatType("General admission")).toContainText("Held3");

  await owner.beginsToChangeTheQuota("General admission", 150);
  await expect(owner.page.getByText("Left 97 → 147")).toBeVisible();
  await owner.quota("General admission").fill("2");
  await expect(owner.page.getByText("3 held. The lowest possible is 3.")).toBeVisible();
  await owner.saves();
  await expect(owner.quota("General admission"), "nothing is sent").toBeFocused();
  await owner.quota("General admission").fill("150");
  await owner.saves();
  await expect(owner.status).toHaveText("General admission has 150 seats now, 147 left.");
  await expect(owner.button("Change the number of seats, General admission")).toBeFocused();

  await owner.beginsToChangeTheQuota("General admission", 200);
  const [general] = (await server.conference(slug)).seat_types;
  await server.changeQuota(slug, general!.id, 170);
  await owner.saves();
  await expect(owner.page.getByText("Somebody set 170 in the meantime. You wrote 200.")).toBeVisible();
  await expect(owner.button("Keep 170")).toBeVisible();
  await owner.button("Use 200").click();
  await expect(owner.seatType("General admission")).toContainText("200 in all");
});

test("finds an order by name and reads its story", async ({ owner, anotherPerson, slug }) => {
  test.slow();
  await owner.creates("Rust Days 2031", slug);
  await owner.goesTo("Seats");
  await owner.addsASeatType(offers[0]!);
  await owner.goesTo("Dashboard");
  await owner.publishes();
  await owner.goesTo("Orders");
  await expect(owner.page.getByText("No order fits.")).toBeVisible();
  const visitor = await anotherPerson();
  await visitor.buys(slug, { "General admission": 2 });
  const code = await visitor.accessCode();
  await owner.goesTo("Dashboard");
  await owner.goesTo("Orders");
  await owner.field("Code, name or email").fill("nobody at all");
  await owner.button("Search").click();
  await expect(owner.page.getByText("No order fits.")).toBeVisible();
  await owner.field("Code, name or email").fill("lovelace");
  await owner.button("Search").click();
  const order = owner.page.getByRole("row").filter({ hasText: "Ada Lovelace" });
  await expect(order).toContainText("Confirmed");
  await expect(order).toContainText("2 seats");
  await expect(order).toContainText("€398");
  await owner.field("Status").selectOption("Expired");
  await expect(owner.page.getByText("No order fits.")).toBeVisible();
  await owner.field("Status").selectOption("Confirmed");
  await order.getByRole("link", { name: code }).click();
  await expect(owner.heading(`Order ${code}`)).toBeVisible();
  await expect(owner.page.getByRole("region", { name: "What happened" }).getByRole("listitem").nth(2)).toBeVisible();
});

test("hides a conference after one question, and edits it without publishing it", async ({ owner, anotherPerson, slug }) => {
  await owner.creates("Rust Days 2031", slug);
  await owner.goesTo("Seats");
  await owner.addsASeatType(offers[0]!);
  await owner.goesTo("Dashboard");
  await owner.publishes();
  const visitor = await anotherPerson();
  await visitor.holds(slug, { "General admission": 1 });
  await owner.goesTo("Settings");
  await owner.button("Hide").click();
  await expect(owner.page.getByText("One person is paying now and can finish.")).toBeVisible();
  await owner.button("Keep it public").click();
  await expect(owner.state).toHaveText("Published");
  await owner.hides();
  expect((await visitor.page.request.get(`/${slug}`)).status()).toBe(404);

  await owner.field("Tagline").fill("Two days of systems and calm");
  await owner.button("Save changes").click();
  await expect(owner.page.getByText("✓ Saved")).toBeVisible();
  await expect(owner.state).toHaveText("Hidden");
  await owner.page.reload();
  await expect(owner.field("Tagline")).toHaveValue("Two days of systems and calm");
});

test("creates a conference and its first seats by keyboard alone @desktop", async ({ owner, slug }) => {
  await owner.opens("/manage/new");
  const { page } = owner;
  await page.keyboard.press("Tab");
  await expect(owner.link("Skip to main content")).toBeFocused();
  await page.keyboard.press("Enter");
  const types = async (label: string, text: string) => {
    for (let presses = 0; presses < 12; presses++) {
      if (await owner.field(label).evaluate((box) => box === document.activeElement)) break;
      await page.keyboard.press("Tab");
    }
    await expect(owner.field(label)).toBeFocused();
    await page.keyboard.type(text);
  };
  await types("Your name", mia.name);
  await types("Your email address", mia.email);
  await types("Name", slug);
  await types("Where", "Berlin");
  // A date box is several stops; its keys depend on the locale of the browser.
  await owner.field("Begins").fill("2031-05-03T09:00");
  await owner.field("Ends").fill("2031-05-04T17:00");
  await owner.field("Ends").press("Enter");
  await expect(owner.heading("Dashboard")).toBeVisible();
  await owner.link("Add a seat type").press("Enter");
  await expect(owner.heading("Seats")).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await types("Name", "General admission");
  await types("Price of a seat", "10");
  await types("Seats in all", "5");
  await page.keyboard.press("Enter");
  await expect(owner.seatType("General admission")).toBeVisible();
});

test("works on pages without a barrier, on a narrow screen, too", async ({ owner, slug, page }) => {
  test.slow();
  await page.emulateMedia({ reducedMotion: "reduce" });
  const main = page.getByRole("main");
  await owner.opens("/manage");
  await expect(owner.heading("Sign in to manage your conferences")).toBeVisible();
  await hasNoBarrier(owner, "sign in", main);
  await owner.button("Sign in").click();
  await hasNoBarrier(owner, "sign in, error", main);
  await owner.opens("/manage/new");
  await owner.button("Create the conference").click();
  await hasNoBarrier(owner, "create, error", main);
  await owner.creates("Rust Days 2031", slug);
  await expect(owner.page.getByRole("list", { name: "Steps to the first sale" })).toBeVisible();
  await hasNoBarrier(owner, "checklist", main);
  await owner.goesTo("Seats");
  await hasNoBarrier(owner, "no seats", main);
  await owner.button("Add a seat type").click();
  await hasNoBarrier(owner, "new seat type", main);
  await owner.button("Cancel").click();
  await owner.addsASeatType(offers[0]!);
  await owner.beginsToChangeTheQuota("General admission", 0);
  await hasNoBarrier(owner, "seats, quota", main);
  await owner.goesTo("Settings");
  await hasNoBarrier(owner, "settings", main);
  await owner.button("Publish").click();
  await hasNoBarrier(owner, "question", main);
  await owner.button("Not yet").click();
  await owner.goesToTheConferences();
  await hasNoBarrier(owner, "my conferences", main);
});
