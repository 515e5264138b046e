// What every test stands in: a fresh server with a database of its own for each worker, a conference of its own
// for each test, a clock that is set by hand, and a console that must stay clean.

import { readFile } from "node:fs/promises";
import { type BrowserContext, type ConsoleMessage, expect, test as base } from "@playwright/test";
import { Line } from "./line.ts";
import { RegistrationPage } from "./pages/registration.ts";
import { type Conference, type SeatType, Server } from "./server.ts";

export { expect, Line, Server };
export type { Conference, SeatType };

/** What a test may say about its conference; the server fills in the rest by its own clock. */
export type Wish = Partial<{
  slug: string;
  name: string;
  tagline: string;
  description: string;
  location: string;
  hold_seconds: number;
  grace_seconds: number;
  published: boolean;
  /** Until when registrants may cancel, and name who sits where. */
  cancel_until: number;
  assign_until: number;
  /** Somebody who can sign in; without, the conference is the house's own. */
  owner: { email: string; access_code: string };
  seat_types: Partial<SeatType>[];
}>;

/** What the console may say in this test; everything else fails it. */
export class Console {
  private readonly heard: string[] = [];
  private readonly expected: RegExp[] = [];

  /** Declares errors that belong to the story, such as `/409/` of a refused command or a lost socket. */
  expect(...patterns: RegExp[]): void {
    this.expected.push(...patterns);
  }

  hear(text: string): void {
    this.heard.push(text);
  }

  /** Hears everything that the pages of this browser say from now on. */
  listenTo(context: BrowserContext): void {
    context.on("weberror", (error) => this.hear(`page error: ${error.error().stack ?? error.error()}`));
    context.on("console", (message) => {
      if (message.type() === "error") this.hear(said(message));
    });
  }

  get surprises(): string[] {
    return this.heard.filter((text) => !this.expected.some((pattern) => pattern.test(text)));
  }
}

/** What a screen reader is told by itself, over all pages of one browser. */
export class Voice {
  readonly said: { how: "status" | "alert"; text: string }[] = [];

  /** To be called before the page is opened. */
  static async of(context: BrowserContext): Promise<Voice> {
    const voice = new Voice();
    await context.exposeBinding("sayAloud", (_, how: "status" | "alert", text: string) => {
      voice.said.push({ how, text });
    });
    await context.addInitScript(() => {
      const before = new Map<Element, string>();
      const regions = '[role="status"], [role="alert"], [aria-live="polite"], [aria-live="assertive"]';
      const listen = () => {
        for (const region of document.querySelectorAll(regions)) {
          const text = region.textContent?.trim() ?? "";
          if (text !== (before.get(region) ?? "") && text !== "") {
            const how = region.matches('[role="alert"], [aria-live="assertive"]') ? "alert" : "status";
            void (window as unknown as { sayAloud: (how: string, text: string) => void }).sayAloud(how, text);
          }
          before.set(region, text);
        }
      };
      new MutationObserver(listen).observe(document, { subtree: true, childList: true, characterData: true });
    });
    return voice;
  }

  get texts(): string[] {
    return this.said.map(({ text }) => text);
  }
}

type ForEachTest = {
  /** Fails the test on any console or page error that it did not declare. */
  browserConsole: Console;
  /** Creates and publishes a conference; every part of it may be overridden. */
  conference: (wish?: Wish) => Promise<Conference>;
  /** The registrant's acts, in the customer's words. */
  registrant: RegistrationPage;
  /** Somebody else, with a browser of his own; every call is another person. */
  anotherPerson: () => Promise<RegistrationPage>;
  /** What the page says aloud. To be asked for before the page is opened. */
  voice: Voice;
  /** The line between the page and the server, to be cut and mended. */
  line: Line;
};

type ForEachWorker = { server: Server };

export const test = base.extend<ForEachTest, ForEachWorker>({
  server: [
    async ({}, use) => {
      const server = new Server();
      try {
        await server.start();
        await use(server);
      } finally {
        await server.stop();
      }
    },
    { scope: "worker" },
  ],

  baseURL: async ({ server }, use) => {
    // The test before may have killed it on purpose.
    await server.start();
    await use(server.url);
  },

  browserConsole: [
    async ({ context, server }, use, info) => {
      const console = new Console();
      console.listenTo(context);
      await use(console);
      if (info.status !== info.expectedStatus) {
        await info.attach("server.log", { body: server.lastWords, contentType: "text/plain" });
      }
      expect(console.surprises, "errors in the browser's console").toEqual([]);
    },
    { auto: true },
  ],

  conference: async ({ server }, use, info) => {
    let count = 0;
    await use(async ({ seat_types = [{}], ...parts } = {}) => {
      // Unique per test, project and repetition: all tests of a worker share one server.
      const slug = `conf-${info.testId.slice(-12)}-${info.repeatEachIndex}-${count++}`;
      return server.createConference({ slug, name: `Contoso ${slug}`, ...parts, seat_types: seat_types.map(seatType) });
    });
  },

  registrant: async ({ page }, use) => use(new RegistrationPage(page)),

  anotherPerson: async ({ browser, browserConsole }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext();
      contexts.push(context);
      browserConsole.listenTo(context);
      return new RegistrationPage(await context.newPage());
    });
    for (const context of contexts) await context.close();
  },

  voice: async ({ context }, use) => use(await Voice.of(context)),

  line: async ({ page }, use) => use(await Line.between(page)),
});

/**
 * Lets time pass, for the server and for every page that watches this conference: a page takes the time from what
 * the server pushes, so two changes of the quota that cancel each other carry the new time to it.
 * The device's own clock stays behind, which a page must not notice.
 */
export async function timePasses(server: Server, conference: Conference, seconds: number): Promise<void> {
  await server.advanceClock(seconds * 1000);
  const { slug, seat_types } = await server.conference(conference.slug);
  const [first] = seat_types;
  if (!first) return;
  await server.changeQuota(slug, first.id, first.quota + 1);
  await server.changeQuota(slug, first.id, first.quota);
}

/** The seats of a conference that were sold and that are held, over all types. */
export async function seatsGone(server: Server, conference: Conference): Promise<{ sold: number; held: number }> {
  const { seat_types } = await server.conference(conference.slug);
  const sum = (part: "sold" | "held") => seat_types.reduce((sum, seatType) => sum + seatType[part], 0);
  return { sold: sum("sold"), held: sum("held") };
}

/** The mails that were sent to an address, oldest first. */
export async function mailsTo(server: Server, email: string): Promise<string[]> {
  const mails = await Promise.all((await server.mails()).map((path) => readFile(path, "utf8")));
  return mails.filter((mail) => mail.includes(email));
}

function said(message: ConsoleMessage): string {
  return `${message.text()} (${message.location().url})`;
}

function seatType(parts: Partial<SeatType>): SeatType {
  return { name: "General admission", description: "All talks", price_minor: 19_900, quota: 100, per_order_max: 20, ...parts };
}
