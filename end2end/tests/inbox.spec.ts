// The development inbox: the mails that a house without a mail server would have sent, as a mail program shows them.

import { hasNoBarrier } from "../barriers.ts";
import { test } from "../bought.ts";
import { expect } from "../house.ts";
import { mailTo } from "../mail.ts";
import { grace, type Person } from "../pages/registration.ts";

test("shows every mail as its reader sees it, with its files, and loads nothing from elsewhere", async ({ seats, page, bought, server, browserConsole }, info) => {
  // The search for barriers would run in the mail's frame, too, where no script may.
  browserConsole.expect(/Blocked script execution in '\S+\/html'/);
  const guest: Person = { ...grace, email: `grace.${info.testId.slice(-12)}.${info.project.name}@example.org` };
  await seats.assigns(1, guest);
  await mailTo(server, guest.email, /^Your ticket: /);
  const hosts = new Set<string>();
  page.on("request", (request) => hosts.add(new URL(request.url()).host));
  await page.goto("/inbox");
  const line = page.getByRole("listitem").filter({ hasText: guest.email });
  await hasNoBarrier(seats, "inbox", line);
  await line.getByRole("link").click();
  await expect(seats.heading(`Your ticket: Contoso ${bought.conference.slug}`)).toBeVisible();
  const mail = page.frameLocator('iframe[title="The mail"]');
  await expect(mail.getByRole("heading", { name: "Your ticket" })).toBeVisible();
  await expect(mail.getByText("Grace Hopper")).toBeVisible();
  const code = mail.getByRole("img", { name: "QR code of this ticket" });
  await expect(code).toBeVisible();
  expect(await code.evaluate((image: HTMLImageElement) => image.naturalWidth), "the picture came").toBeGreaterThan(0);
  await hasNoBarrier(seats, "inbox, a mail", seats.heading("As plain text"));
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "conference.ics" }).click()]);
  expect(download.suggestedFilename()).toBe("conference.ics");
  expect([...hosts]).toEqual([new URL(server.url).host]);
});
