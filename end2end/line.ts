// The line between one page and its server, as bad as a test wants it: the socket cut, hushed or slow, the
// commands slow. HTTP and socket fail apart, which `context.setOffline` cannot do.

import type { Page, WebSocketRoute } from "@playwright/test";
import { setTimeout as wait } from "node:timers/promises";

const SOCKET = /\/api\/live/;
const COMMANDS = /\/api\/commands\//;

type State = "whole" | "cut" | "hushed";

export class Line {
  private state: State = "whole";
  private delay_ms = 0;
  private readonly open = new Set<WebSocketRoute>();

  private constructor(private readonly page: Page) {}

  /** Stands between page and server; to be called before the page is opened. */
  static async between(page: Page): Promise<Line> {
    const line = new Line(page);
    await page.routeWebSocket(SOCKET, (socket) => line.carry(socket));
    return line;
  }

  /** Ends the socket and refuses new ones; plain requests still get through. */
  async cut(): Promise<void> {
    this.state = "cut";
    const cut = [...this.open];
    this.open.clear();
    // 1012 "service restart": a browser does not let a page's socket close with 1006.
    await Promise.all(cut.map((socket) => socket.close({ code: 1012 })));
  }

  /** Loses every frame in silence: only a heartbeat can notice. */
  hush(): void {
    this.state = "hushed";
  }

  /** Lets sockets live again. The page finds out by itself. */
  mend(): void {
    this.state = "whole";
    this.delay_ms = 0;
  }

  /** Delays every frame to the page. */
  slowDown(delay_ms: number): void {
    this.delay_ms = delay_ms;
  }

  /** Delays every command on its way to the server until `mendCommands`. */
  async slowCommands(delay_ms: number): Promise<void> {
    await this.page.route(COMMANDS, async (route) => {
      await wait(delay_ms);
      await route.continue();
    });
  }

  /** Keeps commands from reaching the server; the returned function lets them through. */
  async stopCommands(): Promise<() => void> {
    let open = () => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    await this.page.route(COMMANDS, async (route) => {
      await gate;
      await route.continue();
    });
    return () => open();
  }

  /** Loses the answers of commands: the server acts, the page does not hear of it. */
  async loseAnswers(): Promise<void> {
    await this.page.route(COMMANDS, async (route) => {
      await route.fetch();
      await route.abort("connectionreset");
    });
  }

  async mendCommands(): Promise<void> {
    await this.page.unroute(COMMANDS);
  }

  private async carry(socket: WebSocketRoute): Promise<void> {
    if (this.state === "cut") return socket.close({ code: 1012 });
    const server = socket.connectToServer();
    this.open.add(socket);
    socket.onMessage((frame) => {
      if (this.state === "whole") server.send(frame);
    });
    // One after the other, so that a delay keeps the order of the frames.
    let before = Promise.resolve();
    server.onMessage((frame) => {
      before = before.then(async () => {
        if (this.delay_ms > 0) await wait(this.delay_ms);
        if (this.state === "whole" && this.open.has(socket)) socket.send(frame);
      });
    });
  }
}
