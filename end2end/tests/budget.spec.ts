// What a visit weighs and how soon it can be used. Times are printed for people to compare, because they depend on the
// machine; weights and shifts of the layout are limits.

import type { Browser, CDPSession, Page } from "@playwright/test";
import { expect, test } from "../house.ts";
import { RegistrationPage } from "../pages/registration.ts";

/** Compressed, as they come over the wire, headers included. The styles stand in the page. */
const BYTES_MAX = { html: 14_000, js: 8_000, wasm: 180_000, css: 0 };
const CLS_MAX = 0.05;
const VISITS = 3;

// A trace takes pictures of the page while it is being timed.
test.use({ trace: "off" });
const ORDERS = 20;

/** A cheap phone on a slow line. */
const PHONE = { cpu: 4, bytesPerSecond: (1.44 * 1_000_000) / 8, latency_ms: 150 };

type Kind = keyof typeof BYTES_MAX;
type Visit = { bytes: Record<Kind, number>; cls: number; content: number; largest: number; wasm: number; usable: number; taken_over: number };

test("opens the seats on a cheap phone over a slow line", { tag: "@phone" }, async ({ browser, browserConsole, conference }) => {
  test.slow();
  const { slug } = await conference({ seat_types: [{}, { name: "Workshop" }, { name: "Student" }] });
  const visits: Visit[] = [];
  for (let visit = 0; visit < VISITS; visit += 1) {
    const context = await browser.newContext();
    browserConsole.listenTo(context);
    const page = await context.newPage();
    visits.push(await opensCold(page, await page.context().newCDPSession(page), `/${slug}/seats`));
    await context.close();
  }
  const middle = (read: (visit: Visit) => number) => Math.round(median(visits.map(read)));
  const bytes = visits[0]!.bytes;
  print("cheap phone, cold cache, median of 3", {
    "first content": `${middle((v) => v.content)} ms`,
    "largest content": `${middle((v) => v.largest)} ms`,
    "wasm has arrived": `${middle((v) => v.wasm)} ms`,
    "first number accepts input": `${middle((v) => v.usable)} ms`,
    "the app has taken over": `${middle((v) => v.taken_over)} ms`,
    "layout shift": median(visits.map((v) => v.cls)).toFixed(4),
    ...Object.fromEntries(Object.entries(bytes).map(([kind, size]) => [`${kind}, bytes`, size])),
  });
  for (const kind of Object.keys(BYTES_MAX) as Kind[]) {
    expect.soft(bytes[kind], `${kind}: bytes over the wire`).toBeLessThanOrEqual(BYTES_MAX[kind]);
    if (BYTES_MAX[kind] > 0) expect.soft(bytes[kind], `${kind}: was seen`).toBeGreaterThan(0);
  }
  for (const { cls } of visits) expect.soft(cls, "layout shift").toBeLessThanOrEqual(CLS_MAX);
});

test("sees the seats before the app has arrived", { tag: "@phone" }, async ({ page, conference }) => {
  const { slug } = await conference({ seat_types: [{}] });
  let letGo = () => {};
  const painted = new Promise<void>((resolve) => (letGo = resolve));
  await page.route("**/*.wasm", async (route) => {
    await painted;
    await route.continue();
  });
  await page.goto(`/${slug}/seats`, { waitUntil: "commit" });
  await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
  await expect(new RegistrationPage(page).quantity("General admission")).toBeVisible();
  letGo();
  await page.locator("#static").waitFor({ state: "detached" });
});

test("opens the conference on a cheap phone without a jump of the page", { tag: "@phone" }, async ({ browser, browserConsole, conference }) => {
  const { slug } = await conference({ seat_types: [{}, { name: "Workshop" }, { name: "Student" }] });
  const context = await browser.newContext();
  browserConsole.listenTo(context);
  const page = await context.newPage();
  const session = await page.context().newCDPSession(page);
  const visit = await opensCold(page, session, `/${slug}`, ({ page }) =>
    page.getByRole("radio", { name: "System" }),
  );
  print("cheap phone, conference home", {
    "first content": `${Math.round(visit.content)} ms`,
    "largest content": `${Math.round(visit.largest)} ms`,
    "layout shift": visit.cls.toFixed(4),
  });
  expect(visit.cls).toBeLessThanOrEqual(CLS_MAX);
  await context.close();
});

test("presses Reserve and sees the next page at once and the seats held soon", { tag: "@desktop" }, async ({ browser, browserConsole, conference }) => {
  test.slow();
  const { slug } = await conference({ seat_types: [{ quota: 1_000 }] });
  const next: number[] = [];
  const held: number[] = [];
  for (let order = 0; order < ORDERS; order += 1) {
    const person = await somebodyNew(browser, browserConsole);
    await person.opensTheSeats(slug);
    await expect(person.page.getByText("Live", { exact: true })).toBeVisible();
    await person.chooses(2, "General admission");
    const seen = await presses(person);
    expect.soft(seen.frame, "the next page is there in the very next frame").toBe(1);
    next.push(seen.next);
    held.push(seen.held);
    await person.page.context().close();
  }
  const line = (times: number[]) => `p50 ${Math.round(quantile(times, 0.5))} ms, p95 ${Math.round(quantile(times, 0.95))} ms`;
  print(`laptop, ${ORDERS} orders, from the press of Reserve`, {
    "next page is drawn": line(next),
    "the seats are held on the screen": line(held),
  });
});

async function somebodyNew(browser: Browser, console: { listenTo(context: ReturnType<Page["context"]>): void }): Promise<RegistrationPage> {
  const context = await browser.newContext();
  console.listenTo(context);
  return new RegistrationPage(await context.newPage());
}

/** When the next page and the hold were drawn, in ms after the press; and in which frame after it the next page was. */
type Seen = { next: number; frame: number; held: number };

/** Presses Reserve inside the page. */
async function presses(person: RegistrationPage): Promise<Seen> {
  return person.reserve.evaluate(
    (button: HTMLElement) =>
      new Promise<Seen>((resolve) => {
        const start = performance.now();
        const seen = { next: 0, frame: 0, held: 0 };
        let frames = 0;
        const says = (level: string, words: RegExp) =>
          [...document.querySelectorAll(level)].some((heading) => words.test(heading.textContent ?? ""));
        const look = () => {
          const now = performance.now() - start;
          frames += 1;
          if (seen.next === 0 && says("h1", /Your details/)) {
            seen.next = now;
            seen.frame = frames;
          }
          if (says("h2", /^Your seats are held/)) {
            resolve({ ...seen, held: now });
          } else {
            requestAnimationFrame(look);
          }
        };
        button.click();
        requestAnimationFrame(look);
      }),
  );
}

/** Opens an address as a cheap phone with a cold cache does, until the sign of life accepts what a person does. */
async function opensCold(
  page: Page,
  session: CDPSession,
  address: string,
  sign = (person: RegistrationPage) => person.quantity("General admission"),
): Promise<Visit> {
  const bytes: Record<Kind, number> = { html: 0, js: 0, wasm: 0, css: 0 };
  const kinds = new Map<string, Kind>();
  session.on("Network.responseReceived", ({ requestId, response }) => {
    const kind = /^text\/html/.test(response.mimeType)
      ? "html"
      : /javascript/.test(response.mimeType)
        ? "js"
        : /wasm/.test(response.mimeType)
          ? "wasm"
          : /css/.test(response.mimeType)
            ? "css"
            : undefined;
    if (kind) kinds.set(requestId, kind);
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const kind = kinds.get(requestId);
    if (kind) bytes[kind] += encodedDataLength;
  });
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  await session.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: PHONE.latency_ms,
    downloadThroughput: PHONE.bytesPerSecond,
    uploadThroughput: PHONE.bytesPerSecond,
  });
  await session.send("Emulation.setCPUThrottlingRate", { rate: PHONE.cpu });
  await page.addInitScript(() => {
    const seen = { cls: 0, largest: 0 };
    Object.assign(window, { seen });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
        if (!entry.hadRecentInput) seen.cls += entry.value;
      }
    }).observe({ type: "layout-shift", buffered: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.largest = entry.startTime;
    }).observe({ type: "largest-contentful-paint", buffered: true });
  });
  await page.goto(address, { waitUntil: "commit" });
  const person = new RegistrationPage(page);
  await sign(person).waitFor();
  const usable = await page.evaluate(() => performance.now());
  await page.locator("#static").waitFor({ state: "detached" });
  const taken_over = await page.evaluate(() => performance.now());
  const { cls, largest, content, wasm } = await page.evaluate(() => ({
    ...(window as unknown as { seen: { cls: number; largest: number } }).seen,
    content: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.POSITIVE_INFINITY,
    wasm:
      (performance.getEntriesByType("resource") as PerformanceResourceTiming[]).find(({ name }) => name.endsWith(".wasm"))
        ?.responseEnd ?? 0,
  }));
  return { bytes, cls, largest, content, wasm, usable, taken_over };
}

function median(values: number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function print(title: string, figures: Record<string, string | number>): void {
  const width = Math.max(...Object.keys(figures).map((name) => name.length));
  const lines = Object.entries(figures).map(([name, figure]) => `  ${name.padEnd(width)}  ${figure}`);
  console.log([title, ...lines].join("\n"));
}
