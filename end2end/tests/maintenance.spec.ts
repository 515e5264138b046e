// The operator lets nobody new in for a while: who comes is told so, and who has seats goes on to the end.

import { expect, test } from "../house.ts";

test("is told that no new orders are taken, while others finish", async ({
  registrant,
  anotherPerson,
  conference,
  server,
  browserConsole,
}) => {
  browserConsole.expect(/503/);
  const { slug } = await conference();
  const placed = await anotherPerson();
  await placed.comesToPay(slug, 2);
  await registrant.opensTheSeats(slug);
  await server.maintenance("on");

  await registrant.chooses(2, "General admission");
  await registrant.reserves();
  const sentence = "We take no new orders for a moment. Try again soon.";
  await expect(registrant.page.getByText(sentence).first()).toBeVisible();
  await placed.pays();
  await placed.answersPayment("Accept");
  await expect(placed.registered).toBeVisible();

  await server.maintenance("off");
  await registrant.button("Choose again").click();
  await registrant.reserves();
  await expect(registrant.held).toBeVisible();
});
