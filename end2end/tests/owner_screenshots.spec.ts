// Pictures of what owners see and of what registrants do after the purchase, written to docs/screenshots.
// Not a test: `npm run screenshots`.

import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect, test } from "../house.ts";
import { DeskPage } from "../pages/desk.ts";
import { ada, RegistrationPage } from "../pages/registration.ts";
import { smallPng } from "../small_png.ts";

const folder = resolve(import.meta.dirname, "../../docs/screenshots");
const slug = "ferrous-forum";

for (const colorScheme of ["light", "dark"] as const) {
  test(`shows the desk and the seats in ${colorScheme} colours`, async ({ browser, server }, { project }) => {
    test.slow();
    const codes = await server.seed();
    await mkdir(folder, { recursive: true });
    const context = async () => browser.newContext({ colorScheme, reducedMotion: "reduce" });
    const shows = async ({ page }: { page: RegistrationPage["page"] }, name: string) => {
      await page.evaluate(() => {
        (document.activeElement as HTMLElement | null)?.blur();
        scrollTo(0, 0);
      });
      const picture = smallPng(await page.screenshot({ animations: "disabled", scale: "css" }));
      await writeFile(join(folder, `${name}-${project.name}-${colorScheme}.png`), picture);
    };

    const owner = new DeskPage(await (await context()).newPage());
    await owner.opens("/manage");
    await shows(owner, "owner-sign-in");
    await owner.signsIn("owner@contoso.example", codes.get(slug)!);
    await expect(owner.heading("Your conferences")).toBeVisible();
    await shows(owner, "owner-conferences");
    await owner.opens(`/manage/${slug}`);
    await expect(owner.page.getByText("Live", { exact: true })).toBeVisible();

    const buyer = new RegistrationPage(await (await context()).newPage());
    await buyer.holds(slug, 2);
    await buyer.tellsWhoTheyAre();
    await buyer.continues();
    await buyer.pays();
    await buyer.answersPayment("Accept");
    await expect(buyer.registered).toBeVisible();
    await expect(owner.page.getByText(/^Order .* confirmed/).first()).toBeVisible();
    await shows(owner, "owner-dashboard");

    for (const [section, name] of [
      ["Orders", "orders"],
      ["Attendees", "attendees"],
      ["Seats", "seats"],
      ["Settings", "settings"],
      ["Check-in", "check-in"],
    ] as const) {
      await owner.goesTo(section);
      await expect(owner.page.locator(".loading, .skeleton")).toHaveCount(0);
      await owner.page.waitForLoadState("networkidle");
      await shows(owner, `owner-${name}`);
    }

    await buyer.page.getByRole("link", { name: /^Assign names/ }).click();
    await expect(buyer.heading("Your seats")).toBeVisible();
    await buyer.page.getByLabel("Given name").first().fill(ada.given);
    await shows(buyer, "your-seats");
    for (const page of [owner.page, buyer.page]) await page.context().close();
  });
}
