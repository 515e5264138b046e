// Money: one press is one payment, nobody pays for seats that are not held, and the page never claims what it does not know.

import { expect, seatsGone, test } from "../house.ts";
import { RegistrationPage } from "../pages/registration.ts";

const waiting = "Waiting for your payment…";

test("cannot pay before the seats are confirmed, and is told so", async ({ registrant, conference, line, voice }) => {
  const { slug } = await conference();
  const { page } = registrant;
  await registrant.opensTheSeats(slug);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await registrant.chooses(2, "General admission");
  const letThrough = await line.stopCommands();
  await registrant.reserves();
  await registrant.tellsWhoTheyAre();
  await registrant.continues();

  await expect(registrant.pay).toBeDisabled();
  await expect(registrant.pay).toHaveAttribute("aria-disabled", "true");
  await expect(registrant.pay).toHaveAccessibleDescription("You can pay as soon as your seats are confirmed.");
  await registrant.pay.focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => voice.texts).toContain("You can pay as soon as your seats are confirmed.");
  await expect(registrant.pay).toBeFocused();
  await expect(registrant.heading("Check your answers")).toBeVisible();

  letThrough();
  await expect(registrant.pay).toBeEnabled();
  await expect(registrant.pay).toHaveAccessibleDescription("Your seats are confirmed.");
  await expect.poll(() => voice.texts).toContain("Your seats are confirmed.");
  await expect(registrant.pay).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(registrant.heading("Pay for your registration")).toBeVisible();
});

test("is declined, is told why, and pays at the second try", async ({ registrant, conference, server }) => {
  const wanted = await conference();
  await registrant.comesToTheProvider(wanted.slug, 2);
  await registrant.answersPayment("Decline");
  await expect(
    registrant.page.getByText("Your payment was declined (Your bank declined the payment). You have not been charged."),
  ).toBeVisible();
  await expect(registrant.held).toBeVisible();
  expect(await seatsGone(server, wanted)).toEqual({ sold: 0, held: 2 });
  await registrant.pays();
  await registrant.answersPayment("Accept");
  await expect(registrant.registered).toBeVisible();
  expect(await seatsGone(server, wanted)).toEqual({ sold: 2, held: 0 });
});

test("waits for a slow bank, and the page turns by itself", async ({ registrant, conference, context, anotherPerson }) => {
  const { slug } = await conference();
  await registrant.comesToTheProvider(slug, 2);
  await registrant.answersPayment("Answer later");
  await expect(registrant.heading(waiting)).toBeVisible();
  await expect(registrant.page).toHaveTitle(/^Waiting for your payment/);
  await expect(registrant.page.getByText("Your seats stay held while your bank answers")).toBeVisible();
  await expect(registrant.timer).toHaveCount(0);
  await expect(registrant.pay).toHaveCount(0);
  await registrant.page.reload();
  await expect(registrant.heading(waiting)).toBeVisible();

  const bank = await anotherPerson();
  await bank.answersPendingPayment(slug, "Accept");
  await expect(registrant.registered).toBeFocused();
  await expect(registrant.page).toHaveURL(/\/confirmed$/);
  expect(context.pages()).toHaveLength(1);
});

test("asks after a payment that takes long", async ({ registrant, conference, anotherPerson, line }) => {
  await registrant.page.clock.install();
  const { slug } = await conference();
  await registrant.comesToTheProvider(slug, 1);
  await registrant.answersPayment("Answer later");
  await expect(registrant.heading(waiting)).toBeVisible();
  await expect(registrant.button("Check payment")).toHaveCount(0);
  await registrant.page.clock.runFor(11_000);
  await expect(registrant.page.getByText("Your bank is taking longer. You can close this page")).toBeVisible();
  line.hush();
  await (await anotherPerson()).answersPendingPayment(slug, "Accept");
  await registrant.button("Check payment").click();
  await expect(registrant.registered).toBeVisible();
});

test("is declined while waiting, and comes back to pay again", async ({ registrant, conference, anotherPerson }) => {
  const { slug } = await conference();
  await registrant.comesToTheProvider(slug, 1);
  await registrant.answersPayment("Answer later");
  await expect(registrant.heading(waiting)).toBeVisible();
  await (await anotherPerson()).answersPendingPayment(slug, "Decline");
  await expect(registrant.heading("Check your answers")).toBeVisible();
  await expect(registrant.page.getByText("You have not been charged.")).toBeVisible();
  await expect(registrant.pay).toBeEnabled();
});

test("is confirmed once, although the bank answers twice", async ({ registrant, conference, server }) => {
  const wanted = await conference();
  await registrant.comesToTheProvider(wanted.slug, 2);
  await registrant.answersPayment("Answer twice");
  await expect(registrant.registered).toBeVisible();
  expect(await seatsGone(server, wanted)).toEqual({ sold: 2, held: 0 });
});

test("presses Pay twice and starts one payment", async ({ registrant, conference, server }) => {
  const wanted = await conference();
  const payments = new Set<string>();
  registrant.page.on("request", (request) => {
    if (request.url().endsWith("/initiate-payment")) payments.add(request.postDataJSON().payment_id);
  });
  await registrant.comesToPay(wanted.slug, 2);
  await registrant.pay.dblclick();
  await expect(registrant.heading("Pay for your registration")).toBeVisible();
  expect(payments.size).toBe(1);
  await registrant.answersPayment("Accept");
  await expect(registrant.registered).toBeVisible();
  expect(await seatsGone(server, wanted)).toEqual({ sold: 2, held: 0 });
});

test("opens a second tab and is not offered a second payment", async ({ registrant, conference, context }) => {
  const { slug } = await conference();
  await registrant.comesToPay(slug, 2);
  const address = registrant.page.url();
  const tab = new RegistrationPage(await context.newPage());
  await tab.page.goto(address);
  await expect(tab.pay).toBeEnabled();

  await registrant.pays();
  await expect(registrant.heading("Pay for your registration")).toBeVisible();
  await expect(tab.heading(waiting)).toBeVisible();
  await expect(tab.pay).toHaveCount(0);
  await tab.page.reload();
  await expect(tab.heading(waiting)).toBeVisible();
  await registrant.answersPayment("Accept");
  await expect(registrant.registered).toBeVisible();
  await expect(tab.registered).toBeVisible();
});

test("comes back from the provider by the back button and goes on with the same payment", async ({
  registrant,
  conference,
  server,
}) => {
  const wanted = await conference();
  await registrant.comesToTheProvider(wanted.slug, 2);
  const provider = registrant.page.url();
  await registrant.page.goBack();
  await expect(registrant.heading(waiting)).toBeVisible();
  await expect(registrant.pay).toHaveCount(0);
  await registrant.link("Return to the payment page").click();
  await expect(registrant.page).toHaveURL(provider);
  await registrant.answersPayment("Accept");
  await expect(registrant.registered).toBeVisible();

  await registrant.page.goBack();
  await registrant.page.goto(provider);
  await expect(registrant.heading("This payment was accepted")).toBeVisible();
  await expect(registrant.page.getByRole("button")).toHaveCount(0);
  await registrant.link("Back to the conference").click();
  await expect(registrant.registered).toBeVisible();
  expect(await seatsGone(server, wanted)).toEqual({ sold: 2, held: 0 });
});

test("follows a payment link that somebody changed and pays nothing", async ({ registrant, conference, browserConsole }) => {
  browserConsole.expect(/status of 4\d\d/);
  const { slug } = await conference();
  await registrant.comesToTheProvider(slug, 2);
  await registrant.page.goto(registrant.page.url().replace(/amount=\d+/, "amount=1"));
  await expect(registrant.heading("This payment link is not valid")).toBeVisible();
  await expect(registrant.page.getByText("Nothing was charged.")).toBeVisible();
});
