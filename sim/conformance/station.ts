/**
 * A scripted charging station on a WebSocket: it says and answers what a case tells it to, and looks at every
 * frame of the CSMS with a strict eye.
 *
 * What the CSMS does wrong on the wire (a broken frame, a payload against the schema, a second CALL while one is
 * unanswered, an answer to nothing) is kept in `violations` and fails the case. A call that no case expects is
 * answered sensibly: a CSMS may ask what it likes. One message of its own is under way at a time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { WebSocket } from "ws";
import type { Version } from "./case-ids.ts";
import { readFrame, wrongWith, type Fields } from "./frames.ts";
import { basic, openSocket, WAIT_MS, type Handshake } from "./handshake.ts";
import { CaseFailure, check } from "./outcome.ts";

export type Refusal = { errorCode: string; description?: string };
export type Answer = Fields | Refusal;
export type Handler = (payload: Fields) => Answer;

export type Expectation = {
  action: string;
  /** What it is answered with. */
  answer: Answer | Handler;
  /** Which of several calls of this action is meant. */
  match?: (payload: Fields) => boolean;
};

export type ConnectOptions = {
  /** Offered, in this order; default: the one of the version. */
  protocols?: readonly string[];
  /** Default: the station's own. `null`: no Authorization header at all. */
  password?: string | Buffer | null;
  /** User name of the Authorization header; default: the station's id. */
  user?: string;
};

export const SUBPROTOCOL: Record<Version, string> = { "1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1" };

/** A CALLERROR as an answer. */
export const refusal = (errorCode: string, description = ""): Refusal => ({ errorCode, description });

const isRefusal = (answer: Answer): answer is Refusal => typeof answer["errorCode" as never] === "string";

/** What a station says to calls of which its case knows nothing. */
function defaultAnswer(version: Version, action: string, payload: Fields): Answer {
  if (version === "1.6" && action === "GetConfiguration") {
    const unknownKey = payload["key"] as string[] | undefined;
    return { configurationKey: [], ...(unknownKey === undefined ? {} : { unknownKey }) };
  }
  if (action === "GetVariables") {
    const asked = payload["getVariableData"] as Fields[];
    return { getVariableResult: asked.map((item) => ({ ...item, attributeStatus: "UnknownComponent" })) };
  }
  return refusal("NotSupported", "this station cannot do that");
}

type Waiter = Expectation & { resolve: (payload: Fields) => void };
type Pending = {
  id: string;
  action: string;
  resolve: (answer: { payload: Fields } | { error: Refusal }) => void;
  reject: (error: Error) => void;
};

export type Station = ReturnType<typeof createStation>;

/** Prepares a station; it is not connected yet. @param url `ws://…/ocpp`, without the station's id. */
export function createStation(options: {
  version: Version;
  id: string;
  url: string;
  password: string | undefined;
}) {
  const { version, id, url } = options;
  let { password } = options;
  let socket: WebSocket | undefined;
  let closed = { code: 0, reason: "it was never connected" };
  let messageNumber = 0;
  let pending: Pending | undefined;
  /** A call of the CSMS that has no answer yet. */
  let unanswered: string | undefined;
  const violations: string[] = [];
  const waiters: Waiter[] = [];
  const handlers = new Map<string, Handler>();
  /** All calls of the CSMS, in order. */
  const received: { action: string; payload: Fields }[] = [];

  const violation = (text: string) => void violations.push(text);

  function send(frame: unknown[]): void {
    check(socket !== undefined, `the socket is closed (${closed.code} ${closed.reason})`);
    socket.send(JSON.stringify(frame));
  }

  function onCall(messageId: string, action: string, payload: Fields): void {
    const wrong = wrongWith(version, action, "Request", payload);
    if (wrong !== undefined) violation(wrong);
    if (unanswered !== undefined) violation(`the CSMS called ${action} while ${unanswered} had no answer`);
    received.push({ action, payload });
    const index = waiters.findIndex((w) => w.action === action && (w.match?.(payload) ?? true));
    const [waiter] = index < 0 ? [] : waiters.splice(index, 1);
    const told = waiter?.answer ?? handlers.get(action) ?? defaultAnswer(version, action, payload);
    const answer = typeof told === "function" ? (told as Handler)(payload) : told;
    unanswered = action;
    const own = isRefusal(answer) ? undefined : wrongWith(version, action, "Response", answer);
    if (own !== undefined) violation(`the case itself is wrong: ${own}`);
    if (isRefusal(answer)) send([4, messageId, answer.errorCode, answer.description ?? "", {}]);
    else send([3, messageId, answer]);
    unanswered = undefined;
    waiter?.resolve(payload);
  }

  function onFrame(text: string): void {
    const frame = readFrame(version, text);
    if (typeof frame === "string") return violation(`${frame}: ${text.slice(0, 200)}`);
    if (frame.type === "call") return onCall(frame.id, frame.action, frame.payload as Fields);
    const asked = pending;
    if (asked === undefined || asked.id !== frame.id) {
      return violation(`the CSMS answered a message that was not under way: ${text.slice(0, 200)}`);
    }
    pending = undefined;
    if (frame.type === "error") {
      asked.resolve({ error: refusal(frame.code, frame.description) });
      return;
    }
    const wrong = wrongWith(version, asked.action, "Response", frame.payload);
    if (wrong !== undefined) violation(wrong);
    asked.resolve({ payload: frame.payload as Fields });
  }

  function adopt(ws: WebSocket): void {
    socket = ws;
    ws.on("message", (data: Buffer, isBinary) => {
      // What comes while we hang up is not heard any more.
      if (socket !== ws) return;
      if (isBinary) return violation("the CSMS sent a binary message");
      try {
        onFrame(data.toString("utf8"));
      } catch (error) {
        violation(error instanceof Error ? error.message : String(error));
      }
    });
    ws.on("close", (code, reason) => {
      if (socket !== ws) return;
      socket = undefined;
      closed = { code, reason: reason.toString("utf8") };
      const asked = pending;
      pending = undefined;
      asked?.reject(
        new CaseFailure(
          `the CSMS closed the socket (${code} ${closed.reason}) instead of an answer to ${asked.action}`,
        ),
      );
    });
  }

  /** Opens the socket as told. @returns the outcome of the handshake, whatever it is. */
  function tryConnect(how: ConnectOptions = {}): Promise<Handshake> {
    const secret = how.password === undefined ? password : how.password;
    const { user = id, protocols = [SUBPROTOCOL[version]] } = how;
    const headers: Record<string, string> =
      secret === undefined || secret === null ? {} : { Authorization: basic(user, secret) };
    return openSocket(`${url.replace(/\/$/, "")}/${encodeURIComponent(id)}`, protocols, headers, adopt);
  }

  return {
    id,
    version,
    violations,
    received,
    get connected() {
      return socket !== undefined;
    },
    /** How the socket was closed last. */
    get closed() {
      return closed;
    },
    tryConnect,
    /** @throws CaseFailure when the CSMS does not take the station. */
    async connect(how: ConnectOptions = {}): Promise<void> {
      const { status, protocol } = await tryConnect(how);
      check(status === 101, `the CSMS refused the WebSocket with ${status}`);
      check(protocol === SUBPROTOCOL[version], `the CSMS chose the subprotocol "${protocol}"`);
    },
    /** The password of the next connections. */
    usePassword(secret: string): void {
      password = secret;
    },
    /** Sends a CALL and returns the answer, also when it is a CALLERROR. */
    async ask(action: string, payload: Fields): Promise<{ payload: Fields } | { error: Refusal }> {
      const own = wrongWith(version, action, "Request", payload);
      check(own === undefined, `the case itself is wrong: ${own}`);
      check(pending === undefined, `the case itself is wrong: ${action} while another CALL is under way`);
      const messageId = `${++messageNumber}`;
      const answered = new Promise<{ payload: Fields } | { error: Refusal }>((resolve, reject) => {
        pending = { id: messageId, action, resolve, reject };
      });
      send([2, messageId, action, payload]);
      const late = new AbortController();
      const answer = await Promise.race([
        answered,
        sleep(WAIT_MS, undefined, { signal: late.signal }).catch(() => undefined),
      ]).finally(() => late.abort());
      if (answer !== undefined) return answer;
      pending = undefined;
      throw new CaseFailure(`no answer to ${action} within ${WAIT_MS / 1_000} s`);
    },
    /** Sends a CALL and returns the payload of its CALLRESULT. @throws CaseFailure on a CALLERROR. */
    async call(action: string, payload: Fields): Promise<Fields> {
      const answer = await this.ask(action, payload);
      if ("payload" in answer) return answer.payload;
      const { errorCode, description } = answer.error;
      throw new CaseFailure(`${action} was answered with CALLERROR ${errorCode} "${description ?? ""}"`);
    },
    /** From now on, calls of this action are answered so. */
    on(action: string, handler: Handler): void {
      handlers.set(action, handler);
    },
    /** Waits for a call of the CSMS and answers it. @returns its payload. */
    async expect(expectation: Expectation, waitMs = WAIT_MS): Promise<Fields> {
      const { action } = expectation;
      const late = new AbortController();
      let waiter: Waiter | undefined;
      const came = new Promise<Fields>((resolve) => {
        waiter = { ...expectation, resolve };
        waiters.push(waiter);
      });
      const payload = await Promise.race([
        came,
        sleep(waitMs, undefined, { signal: late.signal }).catch(() => undefined),
      ]).finally(() => late.abort());
      if (payload !== undefined) return payload;
      if (waiter !== undefined) waiters.splice(waiters.indexOf(waiter), 1);
      const others = received.map((call) => call.action).join(", ") || "nothing";
      throw new CaseFailure(
        `the CSMS did not call ${action} within ${waitMs / 1_000} s (it called: ${others})`,
      );
    },
    /** Waits until the CSMS has closed the socket. */
    async untilClosed(waitMs = WAIT_MS): Promise<void> {
      for (const end = performance.now() + waitMs; performance.now() < end; await sleep(20))
        if (socket === undefined) return;
      throw new CaseFailure(`the CSMS did not close the socket within ${waitMs / 1_000} s`);
    },
    /** Sends text as it is, for frames that are wrong on purpose. */
    sendText(text: string): void {
      check(socket !== undefined, `the socket is closed (${closed.code} ${closed.reason})`);
      socket.send(text);
    },
    /** Closes the socket in order, or like a lost line. */
    async disconnect(how: "close" | "lost" = "close"): Promise<void> {
      const ws = socket;
      if (ws === undefined) return;
      socket = undefined;
      closed = { code: 0, reason: "the case has closed it" };
      const gone = new Promise((resolve) => ws.once("close", resolve));
      if (how === "lost") ws.terminate();
      else ws.close(1000);
      const force = setTimeout(() => ws.terminate(), 1_000);
      await gone;
      clearTimeout(force);
    },
  };
}
