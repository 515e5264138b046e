import { expect, test } from "../house.ts";

test("sees the conferences that are open for registration", async ({ registrant }) => {
  await registrant.opensTheDirectory();
  await expect(registrant.heading(/conferences/i).first()).toBeVisible();
});
