// The owner's acts in the customer's words, on the desk. Roles and accessible names are the only way in.
// Not here: what must be true afterwards (the specs).

import { readFile } from "node:fs/promises";
import { expect, type Locator, type Page } from "@playwright/test";

export type Owner = { name: string; email: string };

export const mia: Owner = { name: "Mia Virtanen", email: "mia@example.org" };

/** A seat type as an owner describes it. */
export type Offer = { name: string; price: string; quota: number; includes?: string };

export class DeskPage {
  constructor(readonly page: Page) {}

  // ---- coming in -------------------------------------------------------------------------------

  /** The program stands where the server's first page was. */
  async isTakenOver(): Promise<void> {
    await expect(this.page.locator("#static")).toHaveCount(0);
  }

  async opens(path: string): Promise<void> {
    await this.page.goto(path);
    await this.isTakenOver();
  }

  async signsIn(email: string, accessCode: string): Promise<void> {
    await this.page.getByLabel("Email address").fill(email);
    await this.page.getByLabel("Access code").fill(accessCode);
    await this.button("Sign in").click();
  }

  async signsOut(): Promise<void> {
    await this.page.getByRole("banner").getByRole("button", { name: "Sign out" }).click();
    await expect(this.heading("Sign in to manage your conferences")).toBeVisible();
  }

  /** By the head of every page; on a phone it says only "Conferences". */
  async goesToTheConferences(): Promise<void> {
    await this.page.getByRole("banner").getByRole("link", { name: /^(Your c|C)onferences$/ }).click();
    await expect(this.heading("Your conferences")).toBeFocused();
  }

  // ---- a conference ----------------------------------------------------------------------------

  async describesAConference(name: string, owner: Owner = mia): Promise<void> {
    await this.field("Your name").fill(owner.name);
    await this.field("Your email address").fill(owner.email);
    await this.field("Name").fill(name);
    await this.field("Where").fill("Kulturbrauerei, Berlin");
    await this.field("Begins").fill("2031-05-03T09:00");
    await this.field("Ends").fill("2031-05-04T17:00");
  }

  /** From the empty form to the dashboard. */
  async creates(name: string, slug: string, owner: Owner = mia): Promise<void> {
    await this.opens("/manage/new");
    await this.describesAConference(name, owner);
    await this.field("Address").fill(slug);
    await this.button("Create the conference").click();
    await expect(this.page).toHaveURL(new RegExp(`/manage/${slug}$`));
    await expect(this.heading("Dashboard")).toBeVisible();
  }

  async goesTo(section: "Dashboard" | "Orders" | "Attendees" | "Seats" | "Check-in" | "Settings"): Promise<void> {
    await this.page.getByRole("navigation", { name: "Sections" }).getByRole("link", { name: section }).click();
    await expect(this.heading(section)).toBeFocused();
  }

  // ---- seats -----------------------------------------------------------------------------------

  async addsASeatType({ name, price, quota, includes = "" }: Offer): Promise<void> {
    await this.button("Add a seat type").click();
    await this.field("Name").fill(name);
    await this.field("What it includes").fill(includes);
    await this.field("Price of a seat").fill(price);
    await this.field("Seats in all").fill(String(quota));
    await this.button("Add seat type").click();
    await expect(this.seatType(name)).toBeVisible();
  }

  /** The card of one seat type. */
  seatType(name: string): Locator {
    return this.page.getByRole("listitem").filter({ has: this.page.getByRole("heading", { name, exact: true }) });
  }

  async beginsToChangeTheQuota(seatType: string, quota: number): Promise<void> {
    await this.button(`Change the number of seats, ${seatType}`).click();
    await this.quota(seatType).fill(String(quota));
  }

  quota(seatType: string): Locator {
    return this.page.getByRole("textbox", { name: `Seats in all, ${seatType}` });
  }

  async saves(): Promise<void> {
    await this.button("Save").click();
  }

  // ---- numbers and files -------------------------------------------------------------------------

  /** The number on a tile of the dashboard. */
  tile(name: string): Locator {
    return this.page.locator(".tile").filter({ has: this.page.getByText(name, { exact: true }) }).locator(".tile-number");
  }

  /** The text of the file behind a link. */
  async downloads(link: string): Promise<string> {
    const coming = this.page.waitForEvent("download");
    await this.link(link).click();
    return readFile(await (await coming).path(), "utf8");
  }

  // ---- publication -----------------------------------------------------------------------------

  async publishes(): Promise<void> {
    await this.button("Publish").click();
    await this.button("Publish it").click();
    await expect(this.state).toHaveText("Published");
  }

  async hides(): Promise<void> {
    await this.button("Hide").click();
    await this.button("Hide it").click();
    await expect(this.state).toHaveText("Hidden");
  }

  // ---- what the screen says --------------------------------------------------------------------

  /** Whether the public can see the conference, beside its name. */
  get state(): Locator {
    return this.page.getByRole("region", { name: "Conference" }).getByText(/^(Published|Hidden)$/);
  }

  /** The address for the public. */
  get publicLink(): Locator {
    return this.page.getByRole("link", { name: /^http/ });
  }

  heading(name: string | RegExp): Locator {
    return this.page.getByRole("heading", { name, exact: typeof name === "string" });
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  link(name: string): Locator {
    return this.page.getByRole("link", { name, exact: true });
  }

  field(label: string): Locator {
    return this.page.getByLabel(label, { exact: true });
  }

  get status(): Locator {
    return this.page.getByRole("status");
  }
}
