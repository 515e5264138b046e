// Orders made without a browser, for stories that begin when much is sold: the same requests, from nowhere in
// particular. Not here: what a person sees on the way (pages/registration.ts).

import { randomBytes, randomUUID } from "node:crypto";
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
  const command = async (name: string, body: object) => {
    const answer = await fetch(`${server.url}/api/commands/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${made.token}` },
      body: JSON.stringify({ command_id: randomUUID(), conference: slug, order_id: made.id, ...body }),
    });
    if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { position: number; pay_at?: string };
  };
  const seats = seat_types
    .map(({ id }, index) => ({ seat_type: id, quantity: quantities[index] ?? 0 }))
    .filter(({ quantity }) => quantity > 0);
  await command("register-to-conference", { seats });
  if (way === "holds") return made;
  const { given: given_name, family: family_name, email } = person;
  await command("assign-registrant-details", { registrant: { given_name, family_name, email } });
  const total = await totalOf(server, slug, made);
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

async function totalOf(server: Server, slug: string, { id, token }: Order): Promise<{ minor: number; currency: string }> {
  const address = `${server.url}/api/views/order/${slug}/${id}`;
  const answer = await fetch(address, { headers: { authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`order ${id}: ${answer.status}`);
  return ((await answer.json()) as { view: { total: { minor: number; currency: string } } }).view.total;
}
