// Which tests failed and why, a line each, after everything else: whoever has only the end of a log still knows.

import { stripVTControlCharacters } from "node:util";
import type { Reporter, TestCase, TestResult } from "@playwright/test/reporter";

const LENGTH_MAX = 600;

export default class LastWords implements Reporter {
  private readonly failed: string[] = [];

  onTestEnd(test: TestCase, result: TestResult): void {
    if (result.status === test.expectedStatus) return;
    const why = result.errors.map(({ message, value }) => stripVTControlCharacters(message ?? value ?? ""));
    const line = `${test.titlePath().filter(Boolean).join(" › ")}: ${why.join(" | ").replace(/\s+/g, " ")}`;
    this.failed.push(line.slice(0, LENGTH_MAX));
  }

  onEnd(): void {
    for (const line of this.failed) console.log(line);
  }

  printsToStdio(): boolean {
    return false;
  }
}
