// At the door: a ticket lets one person in, once; the second time it says when that was.

import { hasNoBarrier, tabsTo } from "../barriers.ts";
import { type Conference, expect, test as base } from "../house.ts";
import { DeskPage } from "../pages/desk.ts";
import { ada, grace, type Person } from "../pages/registration.ts";
import { assign, type Order, order } from "../purchase.ts";

const accessCode = "K7M-2QX";

type Prepared = { conference: Conference; email: string; bought: Order; tickets: [string, string] };

type Fixtures = {
  /** A conference with one order of two seats, whose tickets go to Ada and Grace. */
  prepared: Prepared;
  tickets: [string, string];
  /** The owner's phone, on its check-in page. */
  door: DeskPage;
};

const test = base.extend<Fixtures>({
  prepared: async ({ server, conference }, use, info) => {
    const email = `mia.${info.testId.slice(-12)}.${info.project.name}.${info.repeatEachIndex}@example.org`;
    const made = await conference({ owner: { email, access_code: accessCode } });
    const bought = await order(server, made, [2]);
    const tickets: [string, string] = [await assign(server, made, bought, 0, ada), await assign(server, made, bought, 1, grace)];
    await use({ conference: made, email, bought, tickets });
  },
  tickets: async ({ prepared }, use) => use(prepared.tickets),
  door: async ({ page, prepared }, use) => {
    const door = new DeskPage(page);
    await door.opens(`/manage/${prepared.conference.slug}/check-in`);
    await door.signsIn(prepared.email, accessCode);
    await expect(door.heading("Check-in")).toBeVisible();
    await use(door);
  },
});

test("lets a ticket in once, and says when the second time", async ({ door, tickets, browserConsole }) => {
  browserConsole.expect(/status of 404/);
  const { page } = door;
  const answer = page.getByRole("region", { name: "Answer" });
  const enters = async (ticket: string) => {
    await door.field("Ticket").fill(ticket);
    await door.field("Ticket").press("Enter");
  };
  await expect(answer).toContainText("Ready");
  await enters(tickets[0]);
  await expect(answer).toContainText("Welcome");
  await expect(answer).toContainText(/Ada Lovelace\s*General admission/);
  await expect(door.field("Ticket")).toHaveValue("");
  await expect(door.field("Ticket")).toBeFocused();
  // As somebody types who reads it from a paper.
  await enters(tickets[0].toLowerCase().replaceAll("-", " "));
  await expect(answer).toContainText("Used before");
  await expect(answer).toContainText(/Admitted already: \d+ \w+, \d\d:\d\d \(/);
  await enters("AAAA-BBBB-CCCC-DDDD");
  await expect(answer).toContainText("Not admitted");
  await expect(answer).toContainText("This ticket is not valid here.");
  await enters(tickets[1]);
  await expect(answer).toContainText("Grace Hopper");
  const before = page.getByRole("region", { name: "Before" }).getByRole("listitem");
  await expect(before).toHaveCount(3);
  await expect(before.nth(0)).toContainText("Not admitted");

  await door.goesTo("Attendees");
  await expect(page.getByText("2 named, 2 admitted")).toBeVisible();
});

test("does not let in with another conference's ticket, nor with one whose seat was given away", async ({
  door,
  prepared,
  tickets,
  server,
  conference,
  browserConsole,
}) => {
  browserConsole.expect(/status of 404/);
  const answer = door.page.getByRole("region", { name: "Answer" });
  const elsewhere = await conference();
  const foreign = await assign(server, elsewhere, await order(server, elsewhere, [1]), 0, ada);
  await door.field("Ticket").fill(foreign);
  await door.button("Admit").click();
  await expect(answer).toContainText("Not admitted");

  const jon: Person = { given: "Jon", family: "Jaffe", email: "jon@example.org" };
  const fresh = await assign(server, prepared.conference, prepared.bought, 0, jon);
  await door.field("Ticket").fill(fresh);
  await door.button("Admit").click();
  await expect(answer).toContainText("Jon Jaffe");
  await door.field("Ticket").fill(tickets[0]);
  await door.button("Admit").click();
  await expect(answer).toContainText("Not admitted");
});

test("counts as the first time when only the answer was lost on the way", async ({ line, door, tickets, browserConsole }) => {
  browserConsole.expect(/ERR_CONNECTION_RESET/);
  const answer = door.page.getByRole("region", { name: "Answer" });
  await line.loseAnswers();
  await door.field("Ticket").fill(tickets[0]);
  await door.button("Admit").click();
  await expect(answer).toContainText("No answer");
  await expect(door.field("Ticket"), "nothing typed is lost").toHaveValue(tickets[0]);
  await line.mendCommands();
  await door.button("Admit").click();
  await expect(answer).toContainText("Welcome");
  await expect(answer).toContainText("Ada Lovelace");
});

test("signs in and lets people in by keyboard alone @desktop", async ({ page, prepared }) => {
  const door = new DeskPage(page);
  await door.opens(`/manage/${prepared.conference.slug}/check-in`);
  await tabsTo(page, page.getByLabel("Email address"));
  await page.keyboard.type(prepared.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(accessCode);
  await page.keyboard.press("Enter");
  await expect(door.heading("Check-in")).toBeVisible();
  const answer = page.getByRole("region", { name: "Answer" });
  await tabsTo(page, door.field("Ticket"));
  for (const [index, name] of ["Ada Lovelace", "Grace Hopper"].entries()) {
    await page.keyboard.type(prepared.tickets[index]!);
    await page.keyboard.press("Enter");
    await expect(answer).toContainText(name);
    await expect(door.field("Ticket"), "ready for the next one").toBeFocused();
  }
  await tabsTo(page, door.button("Scan with the camera"));
});

test("reads tickets with the camera where the browser can", async ({ page, prepared, tickets, door }) => {
  // This machine has neither a camera nor a reader of codes: both are played, the way from there on is real.
  await page.addInitScript(
    ([one, other]) => {
      let looks = 0;
      const codes = [undefined, one, one, one, other];
      class BarcodeDetector {
        detect = async () => {
          const rawValue = codes[Math.min(looks++, codes.length - 1)];
          return rawValue === undefined ? [] : [{ rawValue }];
        };
      }
      Object.assign(window, { BarcodeDetector });
      const picture = async () => document.createElement("canvas").captureStream();
      Object.defineProperty(navigator.mediaDevices, "getUserMedia", { value: picture });
    },
    tickets.map((ticket) => ticket.replaceAll("-", "")),
  );
  await door.opens(`/manage/${prepared.conference.slug}/check-in`);
  await door.button("Scan with the camera").click();
  const answer = page.getByRole("region", { name: "Answer" });
  await expect(answer).toContainText("Grace Hopper");
  await expect(answer).toContainText("Welcome");
  const before = page.getByRole("region", { name: "Before" }).getByRole("listitem");
  await expect(before, "held in front of the camera it is one ticket").toHaveText([/Welcome.*Ada Lovelace/]);
  await door.button("Stop the camera").click();
  await expect(page.locator("video")).toBeHidden();
});

test("says so where the browser cannot read codes, and has no barrier", async ({ door, tickets }) => {
  const { page } = door;
  await hasNoBarrier(door, "check-in", door.button("Admit"));
  await page.evaluate(() => Reflect.deleteProperty(window, "BarcodeDetector"));
  await door.button("Scan with the camera").click();
  await expect(page.getByText("This browser can't read codes. Type the ticket's letters instead.").last()).toBeVisible();
  for (const ticket of [tickets[0], tickets[0]]) {
    await door.field("Ticket").fill(ticket);
    await door.button("Admit").click();
    await hasNoBarrier(door, "check-in, answered", page.getByRole("region", { name: "Answer" }));
  }
});
