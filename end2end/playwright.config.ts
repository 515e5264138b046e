// How the browser tests run. What a test needs around it (server, clock, connection) is in house.ts.

import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

// The system's browser where there is one; otherwise undefined, and Playwright takes its own.
const chromium = [process.env.CHROMIUM, "/usr/bin/chromium"].find((path) => path && existsSync(path));

const flags = [
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
// Chromium's sandbox does not run as root, which is what containers usually are.
if (process.getuid?.() === 0) flags.push("--no-sandbox");

export default defineConfig({
  testDir: "tests",
  // Pictures are made on purpose, by `npm run screenshots`.
  testIgnore: process.env.SCREENSHOTS ? [] : ["**/*screenshots.spec.ts"],
  outputDir: "test-results",
  fullyParallel: true,
  // Each worker has a server and a browser; on two cores a third one only makes time-outs.
  workers: Number(process.env.WORKERS ?? 2),
  // A test that passes at the second try hides a race that a person will meet.
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  timeout: 45_000,
  expect: { timeout: 10_000 },
  reporter: [["list"], ["./last_words.ts"]],
  use: {
    browserName: "chromium",
    launchOptions: { executablePath: chromium, args: flags },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    // Without a film: it costs the two cores that the test runs on, and a failure has its last picture.
    trace: { mode: "retain-on-failure", screenshots: false },
    screenshot: "only-on-failure",
  },
  // A story that belongs to one kind of device says so by its tag, and is not planned for the other.
  projects: [
    { name: "desktop", grepInvert: /@phone/, use: { viewport: { width: 1280, height: 800 } } },
    { name: "phone", grepInvert: /@desktop/, use: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true } },
  ],
});
