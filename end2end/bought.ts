// What the stories after the purchase begin with: somebody who has bought seats and stands before "Your seats".

import { type Conference, expect, test as base } from "./house.ts";
import { ada, type Person } from "./pages/registration.ts";
import { SeatsPage } from "./pages/seats.ts";

export const DAY_MS = 24 * 3_600_000;

/** Three seats, bought in the browser; the conference lets people cancel and assign until these days. */
export type Bought = { conference: Conference; person: Person; code: string };
export const CANCEL_DAYS = 40;
export const ASSIGN_DAYS = 50;

export const test = base.extend<{ bought: Bought; seats: SeatsPage }>({
  bought: async ({ registrant, conference, server }, use, info) => {
    const made = await conference({
      seat_types: [{ quota: 20 }, { name: "Workshop day", quota: 5, price_minor: 34_950 }],
      cancel_until: server.now + CANCEL_DAYS * DAY_MS,
      assign_until: server.now + ASSIGN_DAYS * DAY_MS,
    });
    // One address for each story: the mails of all of them come into one folder.
    const story = [info.testId.slice(-12), info.project.name, info.repeatEachIndex].join(".");
    const person = { ...ada, email: `ada.${story}@example.org` };
    await registrant.buys(made.slug, { "General admission": 2, "Workshop day": 1 }, person);
    const code = await registrant.accessCode();
    expect(code).not.toBe("");
    await use({ conference: made, person, code });
  },

  seats: async ({ page, bought }, use) => {
    expect(bought.conference.slug).not.toBe("");
    const seats = new SeatsPage(page);
    await seats.comesFromTheConfirmation();
    await expect(seats.progress).toHaveText("0 of 3 assigned");
    await use(seats);
  },
});
