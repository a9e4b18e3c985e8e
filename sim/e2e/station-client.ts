/**
 * A bare OCPP 1.6 station for tests that count: it numbers what it says, repeats what was not answered, and
 * remembers what was. It reconnects for ever and has no opinions.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";

export type Told = { meterValues: number[]; transactionId: number | undefined; stopped: boolean };

/** How long an answer is waited for before the same content is sent again. */
const ANSWER_MS = 4_000;

export function startStationClient(options: { url: string; id: string; idTag: string; intervalMs: number }) {
  const told: Told = { meterValues: [], transactionId: undefined, stopped: false };
  let running = true;
  let finishing = false;
  let socket: WebSocket | undefined;
  let waiting: ((answer: unknown[] | undefined) => void) | undefined;
  let messageId = 0;
  let reading = 1_000;
  const startedAt = new Date().toISOString();

  function connect(): Promise<void> {
    return new Promise((done) => {
      const ws = new WebSocket(`${options.url}/${options.id}`, ["ocpp1.6"]);
      ws.on("open", () => {
        socket = ws;
        done();
      });
      ws.on("message", (data: Buffer) => {
        const frame = JSON.parse(data.toString("utf8")) as unknown[];
        // It can do nothing that is asked of it.
        if (frame[0] === 2) ws.send(JSON.stringify([4, frame[1], "NotSupported", "", {}]));
        else waiting?.(frame);
      });
      ws.on("error", () => undefined);
      ws.on("close", () => {
        if (socket === ws) socket = undefined;
        waiting?.(undefined);
        done();
      });
    });
  }

  /** Sends until it is answered, over any number of connections. */
  async function say(action: string, payload: unknown): Promise<Record<string, unknown>> {
    for (;;) {
      if (socket === undefined) {
        await connect();
        if (socket === undefined) await sleep(100);
        continue;
      }
      const id = `${options.id}-${++messageId}`;
      const answered = new Promise<unknown[] | undefined>((done) => (waiting = done));
      socket.send(JSON.stringify([2, id, action, payload]));
      const answer = await Promise.race([answered, sleep(ANSWER_MS, undefined)]);
      waiting = undefined;
      if (answer?.[0] === 3 && answer[1] === id) return answer[2] as Record<string, unknown>;
      if (answer?.[0] === 4) throw new Error(`${action} refused: ${JSON.stringify(answer)}`);
      if (answer === undefined) socket?.terminate();
    }
  }

  async function live(): Promise<void> {
    await say("BootNotification", { chargePointVendor: "Test", chargePointModel: "Counter" });
    const start = { connectorId: 1, idTag: options.idTag, meterStart: reading, timestamp: startedAt };
    const { transactionId } = await say("StartTransaction", start);
    told.transactionId = transactionId as number;
    while (running && !finishing) {
      reading += 1;
      const value = String(reading);
      const sampledValue = [{ value, measurand: "Energy.Active.Import.Register", unit: "Wh" }];
      const meterValue = [{ timestamp: new Date().toISOString(), sampledValue }];
      await say("MeterValues", { connectorId: 1, transactionId, meterValue });
      told.meterValues.push(reading);
      await sleep(options.intervalMs);
    }
    const stop = { transactionId, meterStop: reading, timestamp: new Date().toISOString() };
    await say("StopTransaction", stop);
    told.stopped = true;
  }

  const ended = live();
  return {
    told,
    get reading() {
      return reading;
    },
    /** Stops the transaction, waits for the answer, closes. */
    async finish(): Promise<void> {
      finishing = true;
      await ended;
      running = false;
      socket?.close();
    },
  };
}
