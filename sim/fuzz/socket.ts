/**
 * The same frames over a real socket against an ER that runs: what only the shell can get wrong (encoding, journal,
 * back-pressure, order of answers). After each frame a Heartbeat tells that everything before it is done.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { WebSocket } from "ws";
import { parseConfig } from "../../edge/config.ts";
import { startEr } from "../../edge/er.ts";
import type { Protocol } from "../../shared/entry.ts";
import { OCPP_FRAME_BYTES_MAX } from "../../shared/limits.ts";
import { createChance } from "../world/chance.ts";
import { createFrames } from "./frames.ts";
import { judge, type Outcome } from "./oracle.ts";

const ANSWER_MS = 30_000;

export type SocketReport = {
  frames: number;
  outcomes: Partial<Record<Outcome, number>>;
  complaints: string[];
};

/** An ER of its own in this process, on free ports, without a broker. */
export async function startLonelyEr() {
  const folder = mkdtempSync(join(tmpdir(), "fuzz-"));
  const text = `
    er = "er-fuzz"
    site = "site-fuzz"
    data_dir = ${JSON.stringify(folder)}
    [broker]
    url = "amqp://127.0.0.1:9"
    [ocpp]
    host = "127.0.0.1"
    port = 0
    auth = "open"
    authorization = "local"
    unknown_token = "allow"
    provision = false
    [http]
    port = 0
  `;
  const er = await startEr(parseConfig(text, "fuzz.toml"), { logger: pino({ level: "silent" }) });
  return {
    url: `ws://127.0.0.1:${er.ocppPort}/ocpp`,
    status: er.status,
    async stop() {
      await er.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A station that says anything. */
class Talker {
  readonly socket: WebSocket;
  #heard: string[] = [];
  #wake: (() => void) | undefined;
  #fences = 0;

  constructor(url: string, protocol: Protocol) {
    this.socket = new WebSocket(`${url}/FUZZ`, [protocol], { perMessageDeflate: false });
    this.socket.on("message", (data) => {
      this.#heard.push((data as Buffer).toString("utf8"));
      this.#wake?.();
    });
    this.socket.on("close", () => this.#wake?.());
    this.socket.on("error", () => undefined);
  }

  /** @returns what the ER sent because of this frame, without its own CALLs; undefined: the socket is closed. */
  async say(text: string): Promise<string[] | undefined> {
    const fence = `fence-${++this.#fences}`;
    this.socket.send(text);
    this.socket.send(`[2,"${fence}","Heartbeat",{}]`);
    const deadline = performance.now() + ANSWER_MS;
    while (!this.#heard.some((answer) => answer.startsWith(`[3,"${fence}",`))) {
      if (this.socket.readyState !== WebSocket.OPEN || performance.now() > deadline) return undefined;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000);
        this.#wake = () => (clearTimeout(timer), resolve());
      });
    }
    const heard = this.#heard.splice(0);
    return heard.filter((answer) => !answer.startsWith(`[3,"${fence}",`) && !answer.startsWith("[2,"));
  }
}

export async function fuzzSocket(
  url: string,
  protocol: Protocol,
  frames: number,
  seed: number,
): Promise<SocketReport> {
  const next = createFrames(createChance([seed]), protocol);
  const report: SocketReport = { frames: 0, outcomes: {}, complaints: [] };
  const talker = new Talker(url, protocol);
  await once(talker.socket, "open");
  for (let n = 0; n < frames && report.complaints.length < 10; n++) {
    // What cannot be UTF-8 arrives as what a decoder makes of it.
    const text = Buffer.from(next.next()).toString("utf8");
    if (Buffer.byteLength(text) > OCPP_FRAME_BYTES_MAX) continue;
    const sent = await talker.say(text);
    if (sent === undefined) {
      report.complaints.push(`the socket was closed, or there was no answer, after ${text.slice(0, 600)}`);
      break;
    }
    report.frames++;
    const verdict = judge(protocol, text, sent);
    if ("complaint" in verdict) report.complaints.push(verdict.complaint);
    else report.outcomes[verdict.outcome] = (report.outcomes[verdict.outcome] ?? 0) + 1;
  }
  talker.socket.terminate();
  return report;
}
