// Mails as the people who get them read them: the text, the HTML and what is attached, taken apart by a parser that is
// not the server's. Not here: who gets which (the specs).

import { readFile } from "node:fs/promises";
import { expect } from "@playwright/test";
import PostalMime, { type Email } from "postal-mime";
import type { Server } from "./server.ts";

/** A mail with both of its bodies, which every mail of ours has. */
export type Mail = { subject: string; text: string; html: string; attachments: Email["attachments"] };

/** The mails to one address, whatever order they were sent in. */
export async function mailbox(server: Server, address: string): Promise<Mail[]> {
  const parsed = await Promise.all((await server.mails()).map(async (path) => PostalMime.parse(await readFile(path))));
  const ours = parsed.filter(({ to }) => to?.some((person) => person.address === address));
  return ours.map(({ subject = "", text = "", html = "", attachments }) => ({ subject, text, html, attachments }));
}

/** The mail to this address with this subject; waits for it, because a mail leaves after the answer. */
export async function mailTo(server: Server, address: string, subject: RegExp): Promise<Mail> {
  const found = async () => (await mailbox(server, address)).find((mail) => subject.test(mail.subject));
  await expect.poll(async () => (await found())?.subject, { message: `a mail to ${address}` }).toMatch(subject);
  return (await found())!;
}

/** Both bodies say the same words, and the HTML fetches nothing from anywhere. */
export function isSelfContained({ subject, text, html }: Mail): void {
  expect(text.trim(), `${subject}: plain text`).not.toBe("");
  expect(html, `${subject}: HTML`).toContain("<main>");
  expect(html, `${subject}: scripts, frames and forms`).not.toMatch(/<(script|iframe|form|link|object|embed)\b/i);
  const fetched = [...html.matchAll(/(?:\bsrc|\bsrcset|\bbackground|url)\s*[=(]\s*["']?([^"')>\s]+)/gi)].map(([, address]) => address!);
  expect(fetched.filter((address) => !address.startsWith("cid:")), `${subject}: remote content`).toEqual([]);
}

/** The bytes of what is attached under this name. */
export function attached({ subject, attachments }: Mail, name: string): string {
  const found = attachments.find(({ filename }) => filename === name);
  expect(found, `${subject}: ${name}, among ${attachments.map(({ filename }) => filename)}`).toBeTruthy();
  return Buffer.from(found!.content as ArrayBuffer).toString("utf8");
}
