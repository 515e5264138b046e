// What every test stands in: a fresh server with a database of its own for each worker, a conference of its own
// for each test, a clock that is set by hand, and a console that must stay clean.

import { type ConsoleMessage, type Page, expect, test as base } from "@playwright/test";
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

  get surprises(): string[] {
    return this.heard.filter((text) => !this.expected.some((pattern) => pattern.test(text)));
  }
}

type ForEachTest = {
  /** Fails the test on any console or page error that it did not declare. */
  browserConsole: Console;
  /** Creates and publishes a conference; every part of it may be overridden. */
  conference: (wish?: Wish) => Promise<Conference>;
  /** The registrant's acts, in the customer's words. */
  registrant: RegistrationPage;
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
      context.on("weberror", (error) => console.hear(`page error: ${error.error().stack ?? error.error()}`));
      context.on("console", (message) => {
        if (message.type() === "error") console.hear(said(message));
      });
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

  line: async ({ page }, use) => use(await Line.between(page)),
});

/**
 * Lets time pass for the page and the server alike, the server first: a page must never be ahead of it.
 * The page's clock has to be installed before it is opened: `await page.clock.install()`.
 */
export async function timePasses(page: Page, server: Server, ms: number): Promise<void> {
  await server.advanceClock(ms);
  await page.clock.runFor(ms);
}

function said(message: ConsoleMessage): string {
  return `${message.text()} (${message.location().url})`;
}

function seatType(parts: Partial<SeatType>): SeatType {
  return { name: "General admission", description: "All talks", price_minor: 19_900, quota: 100, per_order_max: 20, ...parts };
}
