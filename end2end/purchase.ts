// Orders made without a browser, for stories that begin when much is sold: the same requests, from nowhere in
// particular. Not here: what a person sees on the way (pages/registration.ts).

import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { ada, type Person } from "./pages/registration.ts";
import type { Conference, Server } from "./server.ts";

/** An order, with the secret that opens it. */
export type Order = { id: string; token: string };

/** How far an order goes: a hold that is never paid, or all the way. */
export type Way = "holds" | "buys";

/** Reserves seats of the conference's types, the first number for the first type, and pays unless told otherwise. */
export async function order(
  server: Server,
  { slug, seat_types }: Conference,
  quantities: number[],
  { person = ada, way = "buys" }: { person?: Person; way?: Way } = {},
): Promise<Order> {
  const made: Order = { id: randomUUID(), token: randomBytes(32).toString("hex") };
  const command = (name: string, body: object) => send(server, slug, made, name, body);
  const seats = seat_types
    .map(({ id }, index) => ({ seat_type: id, quantity: quantities[index] ?? 0 }))
    .filter(({ quantity }) => quantity > 0);
  await command("register-to-conference", { seats });
  if (way === "holds") return made;
  const { given: given_name, family: family_name, email } = person;
  await command("assign-registrant-details", { registrant: { given_name, family_name, email } });
  const { total } = await viewOf(server, slug, made);
  if (total.minor === 0) {
    await command("complete-registration", {});
    return made;
  }
  const { pay_at } = await command("initiate-payment", { payment_id: randomUUID(), total });
  const asked = new URL(pay_at ?? "", server.url);
  const accepted = new URLSearchParams([...asked.searchParams, ["decision", "accept"]]);
  const decide = new URL("/simulated-provider/decide", server.url);
  const answer = await fetch(decide, { method: "POST", body: accepted, redirect: "manual" });
  if (answer.status >= 400) throw new Error(`the provider: ${answer.status} ${await answer.text()}`);
  return made;
}

/** Many orders, begun evenly so many a minute, whether or not the ones before are answered. */
export async function rush(server: Server, conference: Conference, orders: number[][], perMinute: number): Promise<void> {
  const begun = orders.map(async (quantities, index) => {
    await wait((index * 60_000) / perMinute);
    await order(server, conference, quantities);
  });
  await Promise.all(begun);
}

/** Gives a seat of a bought order to somebody, and returns what opens the door to them. */
export async function assign(server: Server, { slug }: Conference, order: Order, position: number, person: Person): Promise<string> {
  const { given: given_name, family: family_name, email } = person;
  await send(server, slug, order, "assign-seat", { position, attendee: { given_name, family_name, email } });
  const { seats } = await viewOf(server, slug, order);
  const ticket = seats.find((seat) => seat.position === position)?.ticket;
  if (!ticket) throw new Error(`seat ${position} has no ticket`);
  return ticket;
}

/** The part of the server's `OrderView` that is looked at here. */
type OrderView = { total: { minor: number; currency: string }; seats: { position: number; ticket?: string }[] };

async function viewOf(server: Server, slug: string, { id, token }: Order): Promise<OrderView> {
  const address = `${server.url}/api/views/order/${slug}/${id}`;
  const answer = await fetch(address, { headers: { authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`order ${id}: ${answer.status}`);
  return ((await answer.json()) as { view: OrderView }).view;
}

async function send(server: Server, conference: string, { id, token }: Order, command: string, body: object): Promise<{ pay_at?: string }> {
  const answer = await fetch(`${server.url}/api/commands/${command}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ command_id: randomUUID(), conference, order_id: id, ...body }),
  });
  if (!answer.ok) throw new Error(`${command}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as { pay_at?: string };
}
