// One person, an unhurried day: from the conference to the confirmation, with every reload and step back that people do.

import { expect, mailsTo, test } from "../house.ts";
import { ada } from "../pages/registration.ts";

test("buys two seats and gets an access code to keep", async ({ registrant, conference, context, server }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const { slug, name } = await conference();
  const person = { ...ada, email: `ada.${slug}@example.org` };

  await registrant.opensConference(slug);
  await expect(registrant.heading(name)).toBeVisible();
  await registrant.goesToRegister();
  await registrant.chooses(1, "General admission");
  await registrant.takesOneMore("General admission");
  await expect(registrant.page.getByText("€398", { exact: true }).last()).toBeVisible();
  await registrant.button("Reserve 2 seats").click();

  await expect(registrant.heading("Your details")).toBeVisible();
  await expect(registrant.held).toBeVisible();
  await registrant.tellsWhoTheyAre(person);
  await registrant.continues();

  await expect(registrant.heading("Check your answers")).toBeVisible();
  await expect(registrant.page.getByText("Ada Lovelace")).toBeVisible();
  await expect(registrant.page.getByText(person.email)).toBeVisible();
  await expect(registrant.pay).toHaveText("Pay €398");
  await registrant.pays();
  await expect(registrant.page.getByText("€398").first()).toBeVisible();
  await registrant.answersPayment("Accept");

  await expect(registrant.registered).toBeFocused();
  await expect(registrant.page.getByText("2 × General admission").first()).toBeVisible();
  const code = await registrant.accessCode();
  expect(code).toMatch(/^[0-9A-Z]{3}-[0-9A-Z]{3}$/);
  await registrant.button("Copy access code").click();
  await expect(registrant.status).toHaveText("Copied.");
  expect(await registrant.page.evaluate(() => navigator.clipboard.readText())).toBe(code);
  await expect.poll(async () => (await mailsTo(server, person.email)).join("\n")).toContain(code);
});

test("registers for a free seat without a word about paying", async ({ registrant, conference }) => {
  const { slug } = await conference({ seat_types: [{ name: "Admission", price_minor: 0 }] });
  await registrant.holds(slug, { Admission: 2 });
  await expect(registrant.page.getByRole("navigation", { name: "Steps" })).not.toContainText("Payment");
  await registrant.tellsWhoTheyAre();
  await registrant.continues();
  await expect(registrant.completeRegistration).toBeVisible();
  await expect(registrant.pay).toHaveCount(0);
  await registrant.completeRegistration.click();
  await expect(registrant.registered).toBeVisible();
  await expect(registrant.page.getByText("2 × Admission").first()).toBeVisible();
});

test("takes seats of several types and sees one sum all the way", async ({ registrant, conference }) => {
  const { slug } = await conference({
    seat_types: [{}, { name: "Workshop", price_minor: 4_950 }, { name: "Dinner", price_minor: 0 }],
  });
  await registrant.opensTheSeats(slug);
  await registrant.chooses(2, "General admission");
  await registrant.chooses(1, "Workshop");
  await registrant.chooses(3, "Dinner");
  await expect(registrant.page.getByText("Total, 6 seats")).toBeVisible();
  await expect(registrant.page.getByText("€447.50", { exact: true })).toBeVisible();
  await registrant.button("Reserve 6 seats").click();
  await registrant.tellsWhoTheyAre();
  await registrant.continues();
  await expect(registrant.pay).toHaveText("Pay €447.50");
  await expect(registrant.pay).toBeEnabled();
  await registrant.pays();
  await expect(registrant.page.getByText("€447.50").first()).toBeVisible();
  await registrant.answersPayment("Accept");
  await expect(registrant.registered).toBeVisible();
  for (const line of ["2 × General admission", "1 × Workshop", "3 × Dinner"]) {
    await expect(registrant.page.getByText(line).first()).toBeVisible();
  }
});

test("is told which limit stops them from taking more", async ({ registrant, conference }) => {
  const { slug } = await conference({ seat_types: [{ per_order_max: 4 }, { name: "Workshop", quota: 3 }] });
  await registrant.opensTheSeats(slug);
  await registrant.chooses(9, "General admission");
  await expect(registrant.quantity("General admission")).toHaveValue("4");
  await expect(registrant.quantity("General admission")).toHaveAccessibleDescription("4 is the most per order");
  await registrant.chooses(9, "Workshop");
  await expect(registrant.quantity("Workshop")).toHaveValue("3");
  await expect(registrant.quantity("Workshop")).toHaveAccessibleDescription("Only 3 are left");
});

test("chooses before the app has arrived and loses nothing when it comes", async ({ registrant, conference }) => {
  const { slug } = await conference({ seat_types: [{}, { name: "Workshop", quota: 3 }] });
  const { page } = registrant;
  const arrive = await registrant.waitsForTheApp();
  await page.goto(`/${slug}/seats`, { waitUntil: "commit" });
  await registrant.chooses(2, "General admission");
  await registrant.chooses(9, "Workshop");
  await registrant.quantity("General admission").focus();
  await expect(registrant.button("Loading…")).toBeDisabled();
  arrive();
  await expect(registrant.quantity("Workshop")).toHaveValue("3");
  await expect(registrant.quantity("General admission")).toHaveValue("2");
  await expect(registrant.quantity("General admission")).toBeFocused();
  await registrant.button("Reserve 5 seats").click();
  await expect(registrant.heading("Your details")).toBeVisible();
});

test("presses Reserve without a seat and is led to the first number", async ({ registrant, conference }) => {
  const { slug } = await conference();
  await registrant.opensTheSeats(slug);
  await registrant.reserves();
  await expect(registrant.quantity("General admission")).toBeFocused();
  await expect(registrant.link("Choose at least one seat")).toBeVisible();
  await expect(registrant.page).toHaveTitle(/^Error: Choose your seats/);
  await registrant.chooses(1, "General admission");
  await expect(registrant.heading("There is a problem")).toHaveCount(0);
});

test("forgets a field and is told what to enter", async ({ registrant, conference }) => {
  const { slug } = await conference();
  await registrant.holds(slug, 1);
  await registrant.tellsWhoTheyAre({ given: "Ada", family: " ", email: "ada@exmaple" });
  await registrant.continues();
  await expect(registrant.heading("There is a problem")).toBeVisible();
  await expect(registrant.page.getByRole("region", { name: "There is a problem" })).toBeFocused();
  await expect(registrant.page).toHaveTitle(/^Error: Your details/);
  await registrant.link("Enter your family name").click();
  const familyName = registrant.page.getByLabel("Family name");
  await expect(familyName).toBeFocused();
  await expect(familyName).toHaveAccessibleDescription("Enter your family name");
  await familyName.pressSequentially("Lovelace");
  await expect(familyName).not.toHaveAccessibleDescription(/Enter/);
  const email = registrant.page.getByLabel("Email");
  await expect(email).toHaveAccessibleDescription(/Enter an email address in the correct format/);
  await email.fill("ada@exmaple.org");
  await email.blur();
  await registrant.button("Did you mean example.org?").click();
  await expect(email).toHaveValue("ada@example.org");
  await registrant.continues();
  await expect(registrant.pay).toBeEnabled();
});

test("reloads on every step and finds the truth and what was typed", async ({ registrant, conference }) => {
  const { slug } = await conference();
  const { page } = registrant;
  await registrant.opensTheSeats(slug);
  await registrant.chooses(2, "General admission");
  await page.reload();
  await expect(registrant.quantity("General admission")).toHaveValue("2");

  await registrant.reserves();
  await expect(registrant.held).toBeVisible();
  await page.getByLabel("Given name").fill("Ada");
  await page.reload();
  await expect(registrant.held).toBeVisible();
  await expect(page.getByLabel("Given name")).toHaveValue("Ada");

  await registrant.tellsWhoTheyAre();
  await registrant.continues();
  await expect(registrant.pay).toBeEnabled();
  await page.reload();
  await expect(registrant.heading("Check your answers")).toBeVisible();
  await expect(page.getByText("Ada Lovelace")).toBeVisible();
  await expect(registrant.pay).toBeEnabled();

  await registrant.pays();
  await expect(registrant.heading("Pay for your registration")).toBeVisible();
  await page.reload();
  await registrant.answersPayment("Accept");
  await expect(registrant.registered).toBeVisible();
  const code = await registrant.accessCode();
  await page.reload();
  await expect(registrant.registered).toBeVisible();
  expect(await registrant.accessCode()).toBe(code);
});

test("goes back and forth and loses nothing", async ({ registrant, conference }) => {
  const { slug } = await conference();
  const { page } = registrant;
  await registrant.comesToPay(slug, 2);
  await page.goBack();
  await expect(registrant.heading("Your details")).toBeVisible();
  await expect(page.getByLabel("Family name")).toHaveValue("Lovelace");
  await page.goBack();
  await expect(registrant.quantity("General admission")).toHaveValue("2");
  await expect(page.getByText("You hold: 2 General admission.")).toBeVisible();
  await page.goForward();
  await expect(page.getByLabel("Email")).toHaveValue("ada@example.org");
  await page.goForward();
  await expect(registrant.pay).toBeEnabled();
  await page.getByRole("link", { name: "Change name" }).click();
  await page.getByLabel("Given name").fill("Augusta");
  await registrant.continues();
  await expect(page.getByText("Augusta Lovelace")).toBeVisible();
  await expect(registrant.pay).toBeEnabled();
});

test("leaves with seats held and comes back to them", async ({ registrant, conference }) => {
  const { slug } = await conference();
  await registrant.holds(slug, 2);
  await registrant.link("Contoso Conferences").click();
  await registrant.button("Keep my seats and leave").click();
  await expect(registrant.heading(/^You have 2 seats held until/)).toBeVisible();
  await registrant.link("Continue").click();
  await expect(registrant.held).toBeVisible();
});

test("lets the seats go for somebody else", async ({ registrant, conference, anotherPerson }) => {
  const { slug } = await conference({ seat_types: [{ quota: 5 }] });
  const other = await anotherPerson();
  await registrant.holds(slug, 2);
  await other.opensTheSeats(slug);
  await expect(other.seatType("General admission")).toContainText("3 left");
  await registrant.letsTheSeatsGo();
  await expect(registrant.link("Register")).toBeVisible();
  await expect(other.seatType("General admission")).toContainText("5 left");
});

test("opens the order on another device by e-mail and access code", async ({ registrant, conference, anotherPerson }) => {
  const { slug } = await conference();
  await registrant.buys(slug, 2);
  const code = await registrant.accessCode();
  const address = registrant.page.url();
  expect(address).not.toContain(code.replace("-", ""));

  const elsewhere = await anotherPerson();
  await elsewhere.page.goto(address);
  await expect(elsewhere.heading("This order isn't open on this device")).toBeVisible();
  await expect(elsewhere.page.getByText(ada.email)).toHaveCount(0);
  await elsewhere.page.getByRole("main").getByRole("link", { name: "Find your order" }).click();
  await expect(elsewhere.page).toHaveURL(`/${slug}/find`);
  // As people type it: small letters, no hyphen, a stray space.
  await elsewhere.page.getByLabel("Email").fill(ada.email);
  await elsewhere.page.getByLabel("Access code").fill(` ${code.replace("-", "").toLowerCase()} `);
  await elsewhere.button("Find my order").click();
  await expect(elsewhere.registered).toBeVisible();
  expect(await elsewhere.accessCode()).toBe(code);
  await elsewhere.page.reload();
  await expect(elsewhere.registered).toBeVisible();
});

test("mistypes the access code and learns no more than that", async ({ registrant, conference, browserConsole }) => {
  browserConsole.expect(/status of 404/);
  const { slug } = await conference();
  await registrant.findsTheOrder(slug, ada.email, "K7M-2QX");
  await expect(
    registrant.link("We couldn't find an order with that email and code. Check both, or get your links by email."),
  ).toBeVisible();
  await expect(registrant.page.getByLabel("Access code")).toHaveValue("K7M-2QX");
  await registrant.findsTheOrder(slug, ada.email, "K7");
  await expect(registrant.link("Enter the six characters of your access code, like K7M-2QX")).toBeVisible();
});

test("opens a held order elsewhere and cannot pay it there", async ({ registrant, conference, anotherPerson, server }) => {
  const { slug } = await conference();
  const person = { ...ada, email: `held.${slug}@example.org` };
  await registrant.comesToPay(slug, 1, person);
  // The code comes with the confirmation only, so until then the address is closed elsewhere.
  const elsewhere = await anotherPerson();
  await elsewhere.page.goto(registrant.page.url());
  await expect(elsewhere.heading("This order isn't open on this device")).toBeVisible();
  await expect(elsewhere.pay).toHaveCount(0);
  expect(await mailsTo(server, person.email)).toEqual([]);
});
