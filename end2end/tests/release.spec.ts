// A newer release while pages are open: they offer to load themselves anew when nothing is at stake, do it by
// themselves when nobody looks, and an older server is no reason for either.

import type { Page } from "@playwright/test";
import { type Conference, expect, Server, test as base } from "../house.ts";
import { DeskPage } from "../pages/desk.ts";
import { RegistrationPage } from "../pages/registration.ts";

const NEWER = "99.0.0";
/** A page may load itself once in ten minutes; here is the beginning of some. */
const NOON = 1_800_000_000_000;
const owner = { email: "owner@example.org", access_code: "K7M-2QX" };
const banner = (page: Page) => page.getByRole("region", { name: "New version" });

type Own = { own: Server; page: Page; offered: Conference };

/** A server of one's own, because it becomes another release. */
const test = base.extend<Own>({
  own: async ({}, use) => {
    const own = new Server();
    try {
      await own.start();
      await use(own);
    } finally {
      await own.stop();
    }
  },
  page: async ({ browser, own, browserConsole }, use) => {
    browserConsole.expect(/WebSocket connection/, /net::ERR_/, /Failed to load resource/);
    const context = await browser.newContext({ baseURL: own.url });
    browserConsole.listenTo(context);
    const page = await context.newPage();
    await page.clock.install({ time: NOON });
    await use(page);
    await context.close();
  },
  offered: async ({ own }, use) => {
    const seat = { name: "General admission", price_minor: 19_900, quota: 9 };
    await use(await own.createConference({ slug: "offered", name: "Offered", owner, seat_types: [seat] }));
  },
});

/** The tab goes behind another one. */
async function goesBehind(page: Page): Promise<void> {
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
}

/** Time passes; it may be cut short by the page that loads itself anew. */
async function passes(page: Page, ms: number): Promise<void> {
  await page.clock.runFor(ms).catch(() => {});
}

/** Marks the page as it is now; the mark is gone when it was loaded anew. */
async function mark(page: Page): Promise<() => Promise<boolean>> {
  await page.evaluate(() => Object.assign(window, { marked: true }));
  // Between two pages there is nobody to ask.
  return () => page.evaluate(() => "marked" in window).catch(() => true);
}

test("offers a newer release when nothing is at stake, and never an older one", async ({ own, page, offered }) => {
  const person = new RegistrationPage(page);
  await person.opensTheSeats(offered.slug);
  await own.upgrade("0.0.1");
  await passes(page, 3_000);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await expect(banner(page)).toHaveCount(0);

  await own.upgrade(NEWER);
  await passes(page, 3_000);
  await expect(banner(page)).toContainText("A newer version is ready.");
  await person.chooses(2, "General admission");
  await person.reserves();
  await expect(person.held).toBeVisible();
  await expect(banner(page), "not with seats in hand").toHaveCount(0);
});

test("loads itself anew behind another tab, and what was chosen is still chosen", async ({ own, page, offered }) => {
  const person = new RegistrationPage(page);
  await person.opensTheSeats(offered.slug);
  await person.chooses(2, "General admission");
  await own.upgrade(NEWER);
  await passes(page, 3_000);
  await expect(banner(page)).toBeVisible();
  const isAsBefore = await mark(page);
  await passes(page, 120_000);
  expect(await isAsBefore(), "somebody looks at it").toBe(true);

  await goesBehind(page);
  await passes(page, 20_000);
  expect(await isAsBefore(), "only for a moment").toBe(true);
  await passes(page, 60_000);
  await expect.poll(isAsBefore).toBe(false);
  await expect(person.quantity("General admission")).toHaveValue("2");

  // It still comes from an older server, as it may during an upgrade: it is not tried again and again.
  await passes(page, 3_000);
  await expect(banner(page)).toBeVisible();
  const isAsAfter = await mark(page);
  await goesBehind(page);
  await passes(page, 120_000);
  expect(await isAsAfter(), "once is enough for a while").toBe(true);
});

test("keeps seats in hand, whoever looks", async ({ own, page, offered }) => {
  const person = new RegistrationPage(page);
  await person.holds(offered.slug, 2);
  await own.upgrade(NEWER);
  await passes(page, 3_000);
  const isAsBefore = await mark(page);
  await goesBehind(page);
  await passes(page, 120_000);
  expect(await isAsBefore()).toBe(true);
});

test("keeps an owner's page where something can be typed", async ({ own, page, offered }) => {
  const desk = new DeskPage(page);
  await desk.opens(`/manage/${offered.slug}/settings`);
  await desk.signsIn(owner.email, owner.access_code);
  await expect(desk.heading("Settings")).toBeVisible();
  await own.upgrade(NEWER);
  await passes(page, 3_000);
  await expect(banner(page)).toContainText("A newer version is ready.");
  const isAsBefore = await mark(page);
  await goesBehind(page);
  await passes(page, 120_000);
  expect(await isAsBefore(), "a form stays").toBe(true);

  await desk.opens(`/manage/${offered.slug}`);
  await expect(desk.heading("Dashboard")).toBeVisible();
  await passes(page, 3_000);
  await expect(banner(page)).toBeVisible();
  const isAsThere = await mark(page);
  await goesBehind(page);
  await passes(page, 90_000);
  await expect.poll(isAsThere, "numbers are only looked at").toBe(false);
});
