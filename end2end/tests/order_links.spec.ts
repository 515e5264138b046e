// Coming back to an order without its code: by links that are mailed, open once, and end after a day.

import { hasNoBarrier } from "../barriers.ts";
import { DAY_MS, test } from "../bought.ts";
import { expect, type Server } from "../house.ts";
import { isSelfContained, mailbox, mailTo } from "../mail.ts";
import type { RegistrationPage } from "../pages/registration.ts";

const ALWAYS = "If there are orders for that address, we've sent the links.";
const ENDED = "This link has ended: each works once, and for 24 hours. Get a new one below.";

async function asksForLinks(someone: RegistrationPage, slug: string, email: string): Promise<void> {
  await someone.page.goto(`/${slug}/find`);
  await someone.page.getByLabel("Email address").fill(email);
  await someone.button("Email me my order links").click();
  await expect(someone.page.locator("main").getByText(ALWAYS)).toBeVisible();
}

/** The link of the only mail with links; path and secret, because the mailed address is the house's public one. */
async function mailedLink(server: Server, email: string): Promise<string> {
  const mail = await mailTo(server, email, /^Your order links: /);
  isSelfContained(mail);
  const links = [...mail.text.matchAll(/https?:\S+\/find#link=[\w-]+/g)].map(([link]) => link);
  expect(links, "one order, one link").toHaveLength(1);
  expect(mail.html, "the same link in both bodies").toContain(links[0]!);
  const { pathname, hash } = new URL(links[0]!);
  return pathname + hash;
}

test("opens the order by a mailed link, once, and the secret leaves the address", async ({ bought, anotherPerson, server, browserConsole }) => {
  browserConsole.expect(/status of 4\d\d/);
  const { conference, person } = bought;
  const other = await anotherPerson();
  await asksForLinks(other, conference.slug, person.email);
  const link = await mailedLink(server, person.email);

  const asked: string[] = [];
  other.page.on("request", (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
  await other.page.goto("/");
  await other.page.goto(link);
  await expect(other.registered).toBeVisible();
  expect(other.page.url()).not.toContain("#");
  expect(asked).toContain("POST /api/open-order-link");
  // Also not behind the back button.
  await other.page.goBack();
  expect(other.page.url()).not.toContain("link=");

  const late = await anotherPerson();
  await late.page.goto(link);
  await expect(late.link(ENDED)).toBeVisible();
  expect(late.page.url()).not.toContain("#");
  await hasNoBarrier(late, "find, an ended link", late.link(ENDED));
  await expect(late.button("Email me my order links")).toBeVisible();
});

test("explains a link that came too late, and gets a new one", async ({ bought, anotherPerson, server, browserConsole }) => {
  browserConsole.expect(/status of 4\d\d/);
  const { conference, person } = bought;
  const other = await anotherPerson();
  await asksForLinks(other, conference.slug, person.email);
  const link = await mailedLink(server, person.email);
  await server.advanceClock(DAY_MS + 1_000);
  await other.page.goto("/");
  await other.page.goto(link);
  await expect(other.link(ENDED)).toBeVisible();
  await other.page.getByLabel("Email address").fill(person.email);
  await other.button("Email me my order links").click();
  await expect(other.page.locator("main").getByText(ALWAYS)).toBeVisible();
  const links = async () => (await mailbox(server, person.email)).filter(({ subject }) => subject.startsWith("Your order links"));
  await expect.poll(async () => (await links()).length).toBe(2);
  const fresh = (await links()).map(({ text }) => /\/find#link=[\w-]+/.exec(text)![0]).find((it) => !link.endsWith(it))!;
  await other.page.goto("/");
  await other.page.goto(`/${conference.slug}${fresh}`);
  await expect(other.registered).toBeVisible();
});

test("gives one answer to every address, and no mail to strangers", async ({ bought, anotherPerson, server }) => {
  const other = await anotherPerson();
  const stranger = `nobody.${bought.person.email}`;
  await asksForLinks(other, bought.conference.slug, stranger);
  await hasNoBarrier(other, "find, links asked for", other.button("Email me my order links"));
  // A mail that was asked for later has come: the stranger's would have come by now.
  await asksForLinks(other, bought.conference.slug, bought.person.email);
  await mailTo(server, bought.person.email, /^Your order links: /);
  expect(await mailbox(server, stranger)).toEqual([]);
});
