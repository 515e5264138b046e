// Giving an order back, from the question to the money, with what everybody is told by mail.

import { hasNoBarrier } from "../barriers.ts";
import { CANCEL_DAYS, DAY_MS, test } from "../bought.ts";
import { expect, seatsGone, timePasses } from "../house.ts";
import { isSelfContained, mailbox, mailTo } from "../mail.ts";
import { grace, type Person } from "../pages/registration.ts";
import { onAnotherDevice } from "../pages/seats.ts";

test("cancels after one question, gets the money back, and the seats return", async ({ seats, page, bought, server, browserConsole }, info) => {
  browserConsole.expect(/status of 409/);
  const guest: Person = { ...grace, email: `grace.${info.testId.slice(-12)}.${info.project.name}@example.org` };
  await seats.assigns(1, guest);
  isSelfContained(await mailTo(server, guest.email, /^Your ticket: /));
  expect(await seatsGone(server, bought.conference)).toEqual({ sold: 3, held: 0 });

  await expect(page.getByText(/^You can cancel until \d/)).toBeVisible();
  const question = await seats.asksToCancel();
  await expect(question).toContainText("Your 3 seats go back on sale");
  await expect(question).toContainText("We refund €747.50 to the way you paid.");
  await hasNoBarrier(seats, "the question", question);
  await seats.button("Keep my registration").click();
  await expect(question).toBeHidden();
  await seats.asksToCancel();
  await seats.button("Cancel my registration").click();
  await expect(seats.heading("Your registration is cancelled")).toBeFocused();
  await expect(page.getByText("€747.50 was refunded.")).toBeVisible();
  await hasNoBarrier(seats, "cancelled", seats.heading("Your registration is cancelled"));
  expect(await seatsGone(server, bought.conference)).toEqual({ sold: 0, held: 0 });
  // Its old address says the same.
  await page.goto(page.url().replace(/assign$/, "confirmed"));
  await expect(seats.heading("Your registration is cancelled")).toBeVisible();

  const told = await mailTo(server, bought.person.email, /^Your registration is cancelled: /);
  isSelfContained(told);
  for (const body of [told.text, told.html]) expect(body).toContain("€747.50");
  const guestIsTold = await mailTo(server, guest.email, /^Your ticket no longer works: /);
  isSelfContained(guestIsTold);
  expect(guestIsTold.text, "the order is the registrant's").not.toContain(bought.code);
  const subjects = (await mailbox(server, bought.person.email)).map(({ subject }) => subject.replace(/:.*/, ""));
  expect(subjects.sort(), "each once").toEqual(["You're registered", "Your registration is cancelled"]);
});

test("is told on every other device, too", async ({ seats, bought, anotherPerson }) => {
  const phone = await onAnotherDevice(await anotherPerson(), bought.conference.slug, bought.person, bought.code);
  await phone.seat(1).getByLabel("Given name").fill("Gr");
  await seats.asksToCancel();
  await seats.button("Cancel my registration").click();
  await expect(phone.heading("Your registration is cancelled")).toBeVisible();
  await expect(phone.page.getByText("€747.50 was refunded.")).toBeVisible();
});

test("sees the offer end when the cut-off comes, and the server keeps to it", async ({ seats, page, bought, server, browserConsole }) => {
  browserConsole.expect(/status of 409/);
  await seats.asksToCancel();
  // Time goes on, and nothing tells the page.
  await server.advanceClock((CANCEL_DAYS + 1) * DAY_MS);
  await seats.button("Cancel my registration").click();
  await expect(page.locator("main").getByText("This order can't be cancelled any more.")).toBeVisible();
  expect(await seatsGone(server, bought.conference)).toEqual({ sold: 3, held: 0 });
  await timePasses(server, bought.conference, 1);
  await expect(seats.button("Cancel my registration…")).toHaveCount(0);
  await expect(page.getByText(/^It could be cancelled until \d/)).toBeVisible();
  await expect(seats.progress, "the seats stay").toBeVisible();
});
