// What keeps somebody out, found by machine: for the pages of both programs. Not here: which pages (the specs).

import { AxeBuilder } from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";
import { expect, test } from "./house.ts";

const NARROW_PX = 320;

/** In this state, in both colour schemes: no finding, and on the narrowest screen no sideways scroll. */
export async function hasNoBarrier({ page }: { page: Page }, state: string, sign: Locator): Promise<void> {
  await test.step(state, async () => {
    await expect(sign.first()).toBeVisible();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      // A number that has just changed fades in; how it looks meanwhile is not how it is read.
      await expect.poll(() => page.evaluate(fading)).toBe(0);
      const axe = new AxeBuilder({ page }).setLegacyMode(true);
      // Colours are all that changes with the scheme.
      if (colorScheme === "dark") axe.withRules(["color-contrast", "link-in-text-block"]);
      const { violations } = await axe.analyze();
      const findings = violations.flatMap(({ id, nodes }) =>
        nodes.map((node) => `${id}: ${node.html.slice(0, 200)} ${node.failureSummary}`),
      );
      expect.soft(findings, `${state}, ${colorScheme}`).toEqual([]);
    }
    const usual = page.viewportSize()!;
    await page.setViewportSize({ width: NARROW_PX, height: usual.height });
    const widths = () => page.evaluate(() => document.scrollingElement!.scrollWidth);
    await expect.soft.poll(widths, { message: `${state}: width of the page at ${NARROW_PX} px` }).toBeLessThanOrEqual(NARROW_PX);
    await page.setViewportSize(usual);
  });
}

/** How many animations are under way that will end. */
function fading(): number {
  const ends = (animation: Animation) => Number.isFinite(animation.effect?.getComputedTiming().endTime);
  return document.getAnimations().filter((animation) => animation.playState === "running" && ends(animation)).length;
}

/** Presses Tab until the control has the focus, as somebody does who sees where it is. */
export async function tabsTo(page: Page, control: Locator): Promise<void> {
  for (let presses = 0; presses < 30; presses += 1) {
    if (await control.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  await expect(control, "reached by Tab").toBeFocused();
}
