// Pictures of what owners see and of what registrants do after the purchase, written to docs/screenshots.
// Not a test: `npm run screenshots`.

import { expect, test } from "../house.ts";
import { DeskPage } from "../pages/desk.ts";
import { ada, RegistrationPage } from "../pages/registration.ts";
import { Pictures } from "../pictures.ts";

const slug = "ferrous-forum";

for (const colorScheme of ["light", "dark"] as const) {
  test(`shows the desk and the seats in ${colorScheme} colours`, async ({ browser, server }, { project }) => {
    test.slow();
    const codes = await server.seed();
    const pictures = new Pictures(browser, project.name, colorScheme);

    const owner = new DeskPage(await pictures.newPage());
    await owner.opens("/manage");
    await pictures.of(owner, "owner-sign-in");
    await owner.signsIn("owner@contoso.example", codes.get(slug)!);
    await expect(owner.heading("Your conferences")).toBeVisible();
    await pictures.of(owner, "owner-conferences");
    await owner.opens(`/manage/${slug}`);
    await expect(owner.page.getByText("Live", { exact: true })).toBeVisible();

    const buyer = new RegistrationPage(await pictures.newPage());
    await buyer.holds(slug, 2);
    await buyer.tellsWhoTheyAre();
    await buyer.continues();
    await buyer.pays();
    await buyer.answersPayment("Accept");
    await expect(buyer.registered).toBeVisible();
    await expect(owner.page.getByText(/^Order .* confirmed/).first()).toBeVisible();
    await pictures.of(owner, "owner-dashboard");

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
      await pictures.of(owner, `owner-${name}`);
    }

    await buyer.page.getByRole("link", { name: /^Assign names/ }).click();
    await expect(buyer.heading("Your seats")).toBeVisible();
    await buyer.page.getByLabel("Given name").first().fill(ada.given);
    await pictures.of(buyer, "your-seats");
    for (const page of [owner.page, buyer.page]) await page.context().close();
  });
}
