// Pictures for the README and the documents: people with a browser in one colour scheme, and what they see,
// written to docs/screenshots.

import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Browser, Page } from "@playwright/test";
import { smallPng } from "./small_png.ts";

const folder = resolve(import.meta.dirname, "../docs/screenshots");

export type ColorScheme = "light" | "dark";

export class Pictures {
  constructor(
    private readonly browser: Browser,
    private readonly device: string,
    private readonly colorScheme: ColorScheme,
  ) {}

  /** A page in a browser of its own. */
  async newPage(): Promise<Page> {
    const { colorScheme } = this;
    return (await this.browser.newContext({ colorScheme, reducedMotion: "reduce" })).newPage();
  }

  /** Takes a picture of what somebody sees without having touched anything. */
  async of({ page }: { page: Page }, name: string): Promise<void> {
    await page.evaluate(() => {
      (document.activeElement as HTMLElement | null)?.blur();
      scrollTo(0, 0);
    });
    const picture = smallPng(await page.screenshot({ animations: "disabled", scale: "css" }));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${name}-${this.device}-${this.colorScheme}.png`), picture);
  }
}
