// What people take away: tickets on paper with codes that a camera reads, the calendar entry in a strict parser, and
// the mails that bring them.

import { readFile } from "node:fs/promises";
import type { Locator } from "@playwright/test";
import ICAL from "ical.js";
import jsQR from "jsqr";
import { hasNoBarrier } from "../barriers.ts";
import { test } from "../bought.ts";
import { type Conference, expect } from "../house.ts";
import { attached, isSelfContained, type Mail, mailbox, mailTo } from "../mail.ts";
import { grace, type Person } from "../pages/registration.ts";
import { read } from "../small_png.ts";

const TICKET = /[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}/;

/** What a camera sees in this drawing. */
async function scanned(drawing: Locator): Promise<string | undefined> {
  const { width, height, pixels } = read(await drawing.screenshot());
  const rgba = Uint8ClampedArray.from({ length: pixels.length * 4 }, (_, index) => {
    const rgb = pixels[index >> 2]!;
    return [rgb >> 16, (rgb >> 8) & 255, rgb & 255, 255][index & 3]!;
  });
  // The type of a module that was written for another kind of import.
  return (jsQR as unknown as typeof jsQR.default)(rgba, width, height)?.data;
}

/** Pages of a PDF, as Chromium writes it. */
function pagesOf(pdf: Buffer): number {
  return pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
}

/** The only event of a calendar file that keeps the rules which real calendars insist on. */
function eventIn(file: string, { slug }: Conference): ICAL.Event {
  expect(file, "lines end as RFC 5545 says").not.toMatch(/[^\r]\n|\r[^\n]/);
  for (const line of file.split("\r\n")) expect(Buffer.byteLength(line), line).toBeLessThanOrEqual(75);
  const calendar = new ICAL.Component(ICAL.parse(file));
  expect(calendar.getFirstPropertyValue("version")).toBe("2.0");
  const events = calendar.getAllSubcomponents("vevent");
  expect(events).toHaveLength(1);
  for (const zone of calendar.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);
  const event = new ICAL.Event(events[0]!, { strictExceptions: true });
  expect(event.summary).toBe(`Contoso ${slug}`);
  expect(event.uid).toMatch(/^[0-9a-f-]{36}@/);
  expect(event.startDate.zone.tzid, "the zone comes along").not.toBe("floating");
  return event;
}

/** The calendar file of a mail, whose parser reads text with line ends of its own. */
function calendarIn(mail: Mail): string {
  return attached(mail, "conference.ics").replace(/\r?\n/g, "\r\n");
}

test("prints a block for each ticket, whole on its page, with a code that a camera reads", async ({ seats, page }, info) => {
  await seats.button("Use my details").click();
  await expect(seats.progress).toHaveText("1 of 3 assigned");
  await seats.assigns(2, grace);
  await seats.assigns(3, { given: "Wilhelmina-Konstanze", family: "von Hohenzollern-Sigmaringen", email: "w@example.org" });
  await seats.link("Print tickets").click();
  const tickets = page.getByRole("listitem");
  await expect(tickets).toHaveCount(3);
  await expect(tickets.nth(1)).toContainText("Grace Hopper");
  const seen = new Set<string>();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const ticket of await tickets.all()) {
      const letters = TICKET.exec((await ticket.textContent()) ?? "")?.[0];
      const code = await scanned(ticket.getByRole("img", { name: "QR code of this ticket" }));
      expect(code, `${colorScheme}: the code says what stands below it`).toBe(letters);
      seen.add(code ?? "");
    }
  }
  expect(seen.size, "each its own").toBe(3);
  await hasNoBarrier(seats, "tickets", seats.heading("Grace Hopper"));

  await page.emulateMedia({ media: "print" });
  const code = await tickets.first().getByRole("img").boundingBox();
  expect(code!.width / (96 / 25.4), "millimetres").toBeGreaterThanOrEqual(25);
  for (const [format, landscape, pages] of [["A6", true, 3], ["A4", false, 1]] as const) {
    const path = info.outputPath(`tickets-${format}.pdf`);
    const pdf = await page.pdf({ path, format, landscape, margin: { top: "8mm", bottom: "8mm", left: "8mm", right: "8mm" } });
    expect(pagesOf(pdf), format).toBe(pages);
  }
});

test("adds the conference to a calendar", async ({ seats, page, bought }) => {
  const [download] = await Promise.all([page.waitForEvent("download"), seats.link("Add to calendar").click()]);
  expect(download.suggestedFilename()).toBe(`${bought.conference.slug}.ics`);
  const file = await readFile((await download.path()) ?? "", "utf8");
  const event = eventIn(file, bought.conference);
  expect(event.endDate.compare(event.startDate), "ends after it begins").toBe(1);
  expect(file, "nothing that opens the order").not.toContain(bought.code);
});

test("gets the mail again with everything in it, and a ticket for each person", async ({ seats, bought, server }, info) => {
  const { conference, person, code } = bought;
  const guest: Person = { ...grace, email: `grace.${info.testId.slice(-12)}.${info.project.name}@example.org` };
  await seats.assigns(1, guest);
  const ticket = await mailTo(server, guest.email, /^Your ticket: /);
  isSelfContained(ticket);
  expect(ticket.text).toMatch(TICKET);
  expect(ticket.html).toContain(TICKET.exec(ticket.text)![0]);
  expect(ticket.text + ticket.html, "no code that opens the whole order").not.toContain(code);
  expect(ticket.html, "the code as a picture inside the mail").toMatch(/<img src="cid:/);
  eventIn(calendarIn(ticket), conference);

  await seats.button("Send again").click();
  await expect(seats.page.locator("main").getByText(`Sent to ${person.email} again.`)).toBeVisible();
  const confirmations = async () => (await mailbox(server, person.email)).filter(({ subject }) => subject.startsWith("You're registered"));
  await expect.poll(async () => (await confirmations()).length).toBe(2);
  const again = (await confirmations()).find(({ text }) => text.includes(guest.family))!;
  isSelfContained(again);
  for (const words of [code, `/${conference.slug}/order/`, "€747.50", TICKET.exec(ticket.text)![0]]) {
    for (const body of [again.text, again.html]) expect(body).toContain(words);
  }
  eventIn(calendarIn(again), conference);
});

test("corrects a mistyped address until somebody else has a ticket", async ({ seats, bought, server, anotherPerson }) => {
  const { conference, person, code } = bought;
  const right = `right.${person.email}`;
  await seats.button("Wrong address?").click();
  const box = seats.page.getByLabel("Your right email address");
  await expect(box).toBeFocused();
  await box.fill("ada@");
  await seats.button("Change it and send there").click();
  await expect(seats.page.getByText(/^Enter an email address in the correct format/)).toBeVisible();
  await hasNoBarrier(seats, "seats, another address", box);
  await box.fill(right);
  await seats.button("Change it and send there").click();
  await expect(seats.page.getByText(`We've emailed your confirmation to ${right}.`)).toBeVisible();
  expect((await mailTo(server, right, /^You're registered: /)).text).toContain(code);

  const other = await anotherPerson();
  await other.findsTheOrder(conference.slug, right, code);
  await expect(other.registered).toBeVisible();
  await seats.assigns(1, grace);
  await expect(seats.button("Wrong address?")).toHaveCount(0);
  await expect(seats.page.getByText(/^Wrong address\? Others have tickets from you by now: write to /)).toBeVisible();
});
