// Pictures of the demonstration for the README, written to docs/screenshots. Not a test: `npm run screenshots`.

import { expect, test, timePasses } from "../house.ts";
import { ada, RegistrationPage } from "../pages/registration.ts";
import { Pictures } from "../pictures.ts";

/** One of `server seed`'s conferences: many seats, several types. */
const slug = "ferrous-forum";
const rare = "Workshop day";

for (const colorScheme of ["light", "dark"] as const) {
  test(`shows every page in ${colorScheme} colours`, async ({ browser, server }, { project }) => {
    test.slow();
    await server.seed();
    const pictures = new Pictures(browser, project.name, colorScheme);
    const somebody = async () => new RegistrationPage(await pictures.newPage());

    const buyer = await somebody();
    await buyer.opensTheDirectory();
    await expect(buyer.page.getByRole("link", { name: "Ferrous Forum" })).toBeVisible();
    await pictures.of(buyer, "directory");
    await buyer.opensConference(slug);
    await expect(buyer.page.getByRole("radio", { name: "System" })).toBeAttached();
    await pictures.of(buyer, "conference-home");
    await buyer.opensTheSeats(slug);
    await expect(buyer.page.getByText("Live", { exact: true })).toBeVisible();
    await buyer.chooses(2, "General admission");
    await buyer.chooses(1, rare);
    await pictures.of(buyer, "select-seats");
    await buyer.reserves();
    await expect(buyer.held).toBeVisible();
    await buyer.tellsWhoTheyAre();
    await pictures.of(buyer, "details-held");
    await buyer.continues();
    await expect(buyer.pay).toBeEnabled();
    await pictures.of(buyer, "payment");
    await buyer.pays();
    await expect(buyer.heading("Pay for your registration")).toBeVisible();
    await pictures.of(buyer, "simulated-provider");
    await buyer.answersPayment("Answer later");
    await expect(buyer.heading("Waiting for your payment…")).toBeVisible();
    await pictures.of(buyer, "waiting-for-payment");
    const bank = await somebody();
    await bank.answersPendingPayment(slug, "Accept");
    await expect(buyer.registered).toBeVisible();
    await pictures.of(buyer, "confirmation");

    const late = await somebody();
    await late.opensTheSeats(slug);
    await late.chooses(2, "General admission");
    await late.chooses(5, rare);
    // Just now somebody else took all but three.
    const { seat_types } = await server.conference(slug);
    const workshop = seat_types.find(({ name }) => name === rare)!;
    await server.changeQuota(slug, workshop.id, workshop.sold + workshop.held + 3);
    await expect(late.seatType(rare)).toContainText("Only 3 are left now.");
    await late.reserves();
    await expect(late.heading("We could hold 5 of the 7 seats you asked for")).toBeVisible();
    await pictures.of(late, "partly-held");
    await server.changeQuota(slug, workshop.id, workshop.quota);

    const lost = await somebody();
    await lost.page.goto(`/${slug}/find`);
    await lost.page.getByLabel("Email").fill(ada.email);
    await lost.page.getByLabel("Access code").fill("K7M-2QX");
    await pictures.of(lost, "find-order");
    await lost.page.goto("/ferrous-form");
    await expect(lost.heading("We can't find that page")).toBeVisible();
    await pictures.of(lost, "not-found");

    const slow = await somebody();
    await slow.holds(slug, 2);
    await slow.tellsWhoTheyAre();
    await timePasses(server, await server.conference(slug), 15 * 60);
    await expect(slow.heading("Your hold has ended")).toBeVisible();
    await pictures.of(slow, "expired");
    for (const person of [buyer, bank, late, lost, slow]) await person.page.context().close();
  });
}
