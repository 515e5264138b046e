// One real server with its own database: started, killed, restarted on the same address, stopped.
// Not here: what a test gets from it (house.ts).

import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";

const START_MS_MAX = 30_000;
const STOP_MS_MAX = 5_000;
const LOG_LINES_MAX = 500;

const root = resolve(import.meta.dirname, "..");
const program = process.env.SERVER_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug/server");
const dist = process.env.DIST_DIR ?? join(root, "dist");

/** A seat type of a conference that a test asks for. Prices are in minor units (cents). */
export type SeatType = { name: string; description: string; price_minor: number; quota: number; per_order_max: number };

/** The part of the server's `ConferenceView` that tests look at. */
export type Conference = {
  id: string;
  slug: string;
  name: string;
  seat_types: { id: string; name: string; quota: number; sold: number; held: number }[];
};

export class Server {
  private child?: ChildProcess;
  private port = 0;
  /** How far its clock is ahead of this machine's; it stays so over a restart. */
  private aheadMs = 0;
  /** The release it calls itself, if not by its own name. */
  private release?: string;
  private readonly folder = mkdtempSync(join(tmpdir(), "contoso-"));
  private readonly log: string[] = [];

  /** Where it listens; stays the same over a restart. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Where its mails are put, one file each. */
  get mailFolder(): string {
    return join(this.folder, "mail");
  }

  /** What its clock shows. */
  get now(): number {
    return Date.now() + this.aheadMs;
  }

  /** What it said last, for the report of a failed test. */
  get lastWords(): string {
    return this.log.join("\n");
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Starts it; the first time on a free port, later on the same port and the same database. */
  async start(): Promise<void> {
    if (this.isRunning) return;
    for (const needed of [program, join(dist, "index.html")]) {
      if (!existsSync(needed)) throw new Error(`${needed} is missing: run the tests by 'make e2e'`);
    }
    const child = spawn(program, ["serve"], { cwd: this.folder, env: this.environment(), stdio: ["ignore", "pipe", "pipe"] });
    this.child = child;
    this.port = await this.listening(child);
  }

  /** Ends it as a power cut would: no goodbye, nothing flushed. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Kill and start again: what was answered must still be true. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Stops it in order, and starts it as another release on the same database. */
  async upgrade(release: string): Promise<void> {
    this.release = release;
    await this.end("SIGTERM");
    await this.start();
  }

  /** Ends it politely and forgets its database. */
  async stop(): Promise<void> {
    const forced = setTimeout(() => this.child?.kill("SIGKILL"), STOP_MS_MAX);
    await this.end("SIGTERM");
    clearTimeout(forced);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Puts the demonstration's conferences into the database; returns their owners' codes by slug. */
  async seed(): Promise<Map<string, string>> {
    const isRunning = this.isRunning;
    await this.end("SIGTERM");
    const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];
    const seeding = spawn(program, ["seed"], { cwd: this.folder, env: this.environment(), stdio });
    const ended = once(seeding, "exit");
    const codes = new Map<string, string>();
    for await (const line of createInterface({ input: seeding.stdout })) {
      const told = /^To manage (\S+), sign in with \S+ and (\S+)$/.exec(line);
      if (told) codes.set(told[1]!, told[2]!);
    }
    const [code] = await ended;
    if (code !== 0) throw new Error(`the server could not seed: ${code}`);
    if (isRunning) await this.start();
    return codes;
  }

  /** Lets nobody new in, or lets them in again, by the operator's tool; returns when the server knows. */
  async maintenance(word: "on" | "off"): Promise<void> {
    const tool = spawn(program, ["maintenance", word], { cwd: this.folder, env: this.environment(), stdio: "ignore" });
    const [code] = await once(tool, "exit");
    if (code !== 0) throw new Error(`the tool failed: ${code}`);
    const known = `New orders are ${word === "on" ? "refused" : "taken"}`;
    while (!this.log.some((line) => line.includes(known))) await wait(20);
  }

  /** The mails that it sent, one file each. */
  async mails(): Promise<string[]> {
    if (!existsSync(this.mailFolder)) return [];
    return readdirSync(this.mailFolder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".eml"))
      .map((name) => join(this.mailFolder, name));
  }

  /** The conference as everybody can see it now. */
  async conference(slug: string): Promise<Conference> {
    const answer = await fetch(`${this.url}/api/views/conference/${slug}`);
    if (!answer.ok) throw new Error(`view of ${slug}: ${answer.status}`);
    return ((await answer.json()) as { view: Conference }).view;
  }

  /** Creates and publishes a conference through the test door. */
  async createConference(wanted: object): Promise<Conference> {
    return (await this.door("conferences", wanted)) as Conference;
  }

  /** Changes how many seats of a type there are, as the owner would. */
  async changeQuota(slug: string, seat_type: string, quota: number): Promise<Conference> {
    return (await this.door(`conferences/${slug}/quota`, { seat_type, quota })) as Conference;
  }

  /** Shows or hides a conference, as the owner would. */
  async publish(slug: string, published: boolean): Promise<Conference> {
    return (await this.door(`conferences/${slug}/publication`, { published })) as Conference;
  }

  /** Sets the server's clock to an instant. */
  async setClock(now_ms: number): Promise<void> {
    await this.door("clock", { now_ms });
    this.aheadMs = now_ms - Date.now();
  }

  /** Moves the server's clock on. */
  async advanceClock(advance_ms: number): Promise<void> {
    await this.door("clock", { advance_ms });
    this.aheadMs += advance_ms;
  }

  private environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env.PATH,
      RUST_BACKTRACE: "1",
      RUST_LOG: process.env.RUST_LOG,
      LISTEN_ADDR: `127.0.0.1:${this.port}`,
      DATABASE_URL: `sqlite://${join(this.folder, "contoso.db")}`,
      DIST_DIR: dist,
      // Mails, and the secret that the server makes itself and that outlives a restart.
      DATA_DIR: this.folder,
      // All tests come from one address, faster than a person.
      COMMANDS_PER_MINUTE: "0",
      TEST_DOOR: "1",
      TEST_CLOCK_AHEAD_MS: String(this.aheadMs),
      TEST_RELEASE: this.release,
    };
  }

  /** Waits for the line that tells the address, and keeps the last lines of the log. */
  private async listening(child: ChildProcessByStdio<null, Readable, Readable>): Promise<number> {
    const address = new Promise<number>((resolve, reject) => {
      const hear = (line: string) => {
        this.log.push(line);
        if (this.log.length > LOG_LINES_MAX) this.log.shift();
        const heard = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line);
        if (heard) resolve(Number(heard[1]));
      };
      for (const input of [child.stdout, child.stderr]) createInterface({ input }).on("line", hear);
      child.on("error", reject);
      child.on("exit", (code) => reject(new Error(`the server ended with ${code}:\n${this.lastWords}`)));
    });
    const late = wait(START_MS_MAX, undefined, { ref: false }).then(() => {
      throw new Error(`the server did not start:\n${this.lastWords}`);
    });
    return Promise.race([address, late]);
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.child || !this.isRunning) return;
    const gone = once(this.child, "exit");
    this.child.kill(signal);
    await gone;
  }

  private async door(name: string, body: object): Promise<unknown> {
    const answer = await fetch(`${this.url}/test/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`test door ${name}: ${answer.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }
}
