// The dashboard: every sale shows by itself, all numbers are of one moment, nothing moves under the eyes of somebody
// who reads, and old numbers say that they are old.

import type { Page } from "@playwright/test";
import { hasNoBarrier, tabsTo } from "../barriers.ts";
import { type Conference, expect, test as base } from "../house.ts";
import { DeskPage } from "../pages/desk.ts";
import { order } from "../purchase.ts";

const accessCode = "K7M-2QX";

type Fixtures = {
  /** A published conference with an owner who stands before its dashboard. */
  watched: Conference;
  desk: DeskPage;
};

const test = base.extend<Fixtures>({
  desk: async ({ page, browserConsole }, use) => {
    // Whoever has no session yet is told so.
    browserConsole.expect(/401 \(Unauthorized\).*\/api\/owner/);
    await use(new DeskPage(page));
  },
  watched: async ({ conference, desk }, use, info) => {
    // Signing in is limited per address.
    const email = `mia.${info.testId.slice(-12)}.${info.project.name}.${info.repeatEachIndex}@example.org`;
    const seat_types = [{ quota: 100 }, { name: "Workshop day", quota: 12, price_minor: 34_950 }, { name: "Students", quota: 20, price_minor: 0 }];
    const watched = await conference({ owner: { email, access_code: accessCode }, seat_types });
    await desk.opens(`/manage/${watched.slug}`);
    await desk.signsIn(email, accessCode);
    await expect(desk.page.getByText("Live", { exact: true })).toBeVisible();
    await use(watched);
  },
});

/** The number on a tile. */
function tile(page: Page, name: string) {
  return page.locator(".tile").filter({ has: page.getByText(name, { exact: true }) }).locator(".tile-number");
}

test("shows a sale without a reload, everywhere at once", async ({ desk: { page }, watched, server }) => {
  await expect(tile(page, "Left")).toHaveText("132");
  await page.evaluate(() => Object.assign(window, { isTheSamePage: true }));
  await order(server, watched, [2, 1]);
  await expect(tile(page, "Sold")).toHaveText("3");
  await expect(tile(page, "Held")).toHaveText("0");
  await expect(tile(page, "Left")).toHaveText("129");
  await expect(tile(page, "Paid")).toHaveText("€747.50");
  const row = page.getByRole("row", { name: /^General admission/ });
  await expect(row.getByRole("cell")).toHaveText(["2", "0", "98", "100", "€398"]);
  await expect(page.getByText(/^3 seats sold in the last 24 hours, busiest \d\d–\d\d h$/)).toBeVisible();
  const happenings = page.getByRole("region", { name: "What just happened" }).getByRole("listitem");
  await expect(happenings.first()).toContainText(/Order .* confirmed · 2 General admission, 1 Workshop day · €747.50/);
  await order(server, watched, [0, 0, 4], { way: "holds" });
  await expect(tile(page, "Held")).toHaveText("4");
  expect(await page.evaluate(() => "isTheSamePage" in window), "without a reload").toBe(true);
});

test("measures how long a sale takes to show", async ({ desk: { page }, watched, server }) => {
  const took: number[] = [];
  for (let sales = 1; sales <= 10; sales++) {
    const shown = page.evaluate((sold) => {
      const number = [...document.querySelectorAll(".tile-number")][0]!;
      return new Promise<number>((resolve) => {
        const look = () => number.textContent === sold && resolve(Date.now());
        new MutationObserver(look).observe(number, { subtree: true, childList: true, characterData: true });
        look();
      });
    }, String(sales));
    await order(server, watched, [1]);
    // From the moment at which the buyer was told.
    const told = Date.now();
    took.push((await shown) - told);
  }
  took.sort((one, other) => one - other);
  console.log(`      from the buyer's answer to the dashboard: median ${took[5]} ms, most ${took[9]} ms`);
  await expect(tile(page, "Sold")).toHaveText("10");
});

test("adds up in every frame while many buy at once", async ({ desk: { page }, watched, server }) => {
  const sums = page.evaluate(
    () =>
      new Promise<string[]>((resolve) => {
        const seen = new Set<string>();
        const look = () => {
          const cells = [...document.querySelectorAll("tbody tr")].map((row) =>
            [...row.querySelectorAll("td")].slice(0, 4).map((cell) => Number(cell.textContent!.replace(",", ""))),
          );
          for (const [sold, held, left, quota] of cells as [number, number, number, number][]) {
            if (sold + held + left !== quota) seen.add(`${sold} + ${held} + ${left} ≠ ${quota}`);
          }
          const tiles = [...document.querySelectorAll(".tile-number")].map((it) => Number(it.textContent!.replace(",", "")));
          if (tiles[0]! + tiles[1]! + tiles[2]! !== 132) seen.add(`tiles: ${tiles}`);
          if (tiles[0] === 60) resolve([...seen]);
          else requestAnimationFrame(look);
        };
        look();
      }),
  );
  for (let round = 0; round < 5; round++) {
    await Promise.all(Array.from({ length: 6 }, () => order(server, watched, [2])));
  }
  expect(await sums).toEqual([]);
});

// A phone has no pointer that rests on something.
test("holds still while somebody reads, and says how much is new @desktop", async ({ desk, watched, server }) => {
  const { page } = desk;
  await order(server, watched, [1]);
  const list = page.getByRole("region", { name: "What just happened" }).getByRole("region");
  const lines = list.getByRole("listitem");
  await expect(lines.first()).toContainText("confirmed");
  const before = await lines.allTextContents();
  await list.hover();
  await order(server, watched, [3]);
  await expect(tile(page, "Sold")).toHaveText("4");
  const news = desk.button(/^\d+ new$/);
  await expect(news).toBeVisible();
  expect(await lines.allTextContents(), "nothing moved").toEqual(before);
  await news.click();
  await expect(lines.first()).toContainText("3 General admission");
  await expect(list).toBeFocused();
  await expect(news).toHaveCount(0);

  await page.getByLabel("Show", { exact: true }).selectOption("Sales");
  await expect(lines).toHaveCount(2);
});

test("stands still when paused and keeps counting", async ({ desk, watched, server }) => {
  const { page } = desk;
  await desk.button("Pause").click();
  await expect(page.getByText(/^Paused \d\d:\d\d$/)).toBeVisible();
  await order(server, watched, [2]);
  await expect(page.getByText(/^Paused \d\d:\d\d · \d+ changes since$/)).toBeVisible();
  await expect(tile(page, "Sold")).toHaveText("0");
  await expect(page.getByText(/^As of \d\d:\d\d:\d\d$/)).toHaveCount(4);
  await desk.button("Resume").click();
  await expect(tile(page, "Sold")).toHaveText("2");
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
});

test("says on every number when it is not live", async ({ line, desk, watched, server, browserConsole, context }) => {
  browserConsole.expect(/ERR_INTERNET_DISCONNECTED/, /WebSocket/);
  const { page } = desk;
  await order(server, watched, [2]);
  await expect(tile(page, "Sold")).toHaveText("2");
  await line.cut();
  await context.setOffline(true);
  await expect(page.locator(".tile").getByText(/^As of \d\d:\d\d:\d\d$/)).toHaveCount(4);
  await expect(tile(page, "Sold"), "the last number stays").toHaveText("2");
  line.mend();
  await context.setOffline(false);
  await order(server, watched, [3]);
  await expect(tile(page, "Sold")).toHaveText("5");
  await expect(page.locator(".tile").getByText(/^As of/)).toHaveCount(0);
});

test("has no barrier, and can be used by keyboard alone", async ({ desk, watched, server }) => {
  const { page } = desk;
  await hasNoBarrier(desk, "nothing sold", page.getByText("No seats sold in the last 24 hours"));
  await order(server, watched, [2, 1]);
  await order(server, watched, [3], { way: "holds" });
  await hasNoBarrier(desk, "some sold", tile(page, "Sold"));
  await tabsTo(page, desk.button("7 days"));
  await page.keyboard.press("Enter");
  await expect(page.getByText(/^3 seats sold in the last 7 days, busiest \w+day$/)).toBeVisible();
  await tabsTo(page, desk.button("Show as table"));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("table", { name: "Seats, by type" })).toBeVisible();
  await hasNoBarrier(desk, "as a table", page.getByRole("table"));
  await tabsTo(page, page.getByRole("region", { name: "What just happened" }).getByRole("region"));
  await tabsTo(page, page.getByRole("link", { name: /confirmed/ }));
  await page.keyboard.press("Enter");
  await expect(desk.heading(/^Order /)).toBeVisible();
  await hasNoBarrier(desk, "order", page.getByRole("region", { name: "What happened" }));
  await desk.goesTo("Orders");
  await hasNoBarrier(desk, "orders", page.getByRole("row").nth(1));
  await desk.goesTo("Attendees");
  await hasNoBarrier(desk, "attendees", page.getByText("0 named, 0 admitted"));
});

test("shows nothing to somebody else", async ({ watched, desk, anotherPerson, browserConsole }) => {
  browserConsole.expect(/40[134]/);
  await expect(desk.heading("Dashboard")).toBeVisible();
  const { page } = await anotherPerson();
  await page.goto(`/manage/${watched.slug}`);
  await expect(page.getByRole("heading", { name: "Sign in to manage your conferences" })).toBeVisible();
  await expect(page.locator(".tile")).toHaveCount(0);
});
