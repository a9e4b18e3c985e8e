/** The comparison must see what is wrong: each test spoils one thing of a run that was right. */
import { beforeEach, describe, expect, it } from "vitest";
import { LATE_MS } from "./compare-commands.ts";
import { compare } from "./compare.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import type { Stored, StoredCommand, StoredMessage } from "./stored.ts";

const AT = Date.parse("2026-05-01T12:00:00.000Z");
const STATION = "A-001";

let ledger: Ledger;
let stored: Stored;
let now = AT;

const meterValue = (wh: number, seconds: number) => [
  {
    timestamp: new Date(AT + seconds * 1_000).toISOString(),
    sampledValue: [{ value: String(wh), measurand: "Energy.Active.Import.Register", unit: "Wh" }],
  },
];
const START = { connectorId: 1, idTag: "TAG-1", meterStart: 100, timestamp: new Date(AT).toISOString() };
const READING = { connectorId: 1, transactionId: 7, meterValue: meterValue(120, 5) };
const STOP = { transactionId: 7, meterStop: 150, timestamp: new Date(AT + 9_000).toISOString() };

function say(id: string, action: string, payload: object, answer: object = {}): void {
  ledger.frame(STATION, "sent", JSON.stringify([2, id, action, payload]));
  ledger.frame(STATION, "received", JSON.stringify([3, id, answer]));
}

function store(message: Partial<StoredMessage>): void {
  const told = ledger.told.at(-1);
  if (told === undefined) throw new Error("nothing was told");
  const { stationId, messageId, action, content } = told;
  const base = {
    stationId,
    messageId,
    action,
    content,
    kind: "ocpp.handled",
    journalId: "j",
    transactionId: "t-1",
  };
  stored.messages.push({ ...base, seq: stored.messages.length + 1, isRepeat: false, ...message });
}

function command(change: Partial<StoredCommand> = {}): StoredCommand {
  const added = {
    commandId: `c-${stored.commands.length + 1}`,
    stationId: STATION,
    kind: "UnlockConnector",
    status: "succeeded",
    issuedAt: AT,
    expiresAt: AT + 5_000,
    reason: null,
    ...change,
  };
  stored.commands.push(added);
  return added;
}

function receive(messageId: string, at: number, action = "UnlockConnector"): void {
  now = at;
  ledger.frame(STATION, "received", JSON.stringify([2, messageId, action, {}]));
}

const kinds = (issued: Parameters<typeof compare>[1] = []) =>
  compare(ledger, issued, stored).map((d) => d.kind);

beforeEach(() => {
  ledger = createLedger(() => now);
  stored = {
    messages: [],
    transactions: [],
    samples: [],
    commands: [],
    journals: 1,
    parked: 0,
    gaps: 0,
    halted: 0,
  };
  say("m-1", "StartTransaction", START, { transactionId: 7, idTagInfo: { status: "Accepted" } });
  store({});
  say("m-2", "MeterValues", READING);
  store({});
  say("m-3", "StopTransaction", STOP);
  store({});
  const registers = { meterStartWh: 100, meterStopWh: 150, hasEnded: true, needsReview: false, flags: [] };
  stored.transactions.push({ transactionId: "t-1", stationId: STATION, wireId: "7", ...registers });
  stored.samples.push({ transactionId: "t-1", at: AT + 5_000, energyWh: 120, copies: 1 });
});

describe("the comparison", () => {
  it("finds nothing where all is right, and a repeat is right", () => {
    say("m-4", "StopTransaction", STOP);
    store({ isRepeat: true });
    expect(compare(ledger, [], stored)).toEqual([]);
  });

  it("sees a lost message, transaction, reading and command", () => {
    stored.messages.pop();
    expect(kinds()).toEqual(["lost"]);
    stored.samples.pop();
    expect(kinds()).toEqual(["lost", "lost"]);
    stored.transactions.pop();
    expect(kinds().filter((kind) => kind === "lost")).toHaveLength(3);
    expect(kinds([{ commandId: "c-9", stationId: STATION, kind: "Reset" }])).toContain("lost");
  });

  it("sees what is stored twice", () => {
    stored.messages.push({ ...(stored.messages[0] as StoredMessage), seq: 9, messageId: "m-9" });
    expect(kinds()).toEqual(["doubled"]);
    stored.messages[3] = stored.messages[0] as StoredMessage;
    expect(kinds()).toEqual(["doubled", "doubled", "doubled"]);
    stored.messages.pop();
    for (const sample of stored.samples) sample.copies = 2;
    expect(kinds()).toEqual(["doubled"]);
  });

  it("sees a transaction stored twice, or one that no station knows", () => {
    for (const wireId of ["7", "8"]) {
      const [first] = stored.transactions;
      if (first !== undefined) stored.transactions.push({ ...first, transactionId: `t-${wireId}`, wireId });
    }
    expect(kinds()).toEqual(["doubled", "doubled"]);
  });

  it("sees other registers, a transaction that goes on, one that waits for a person", () => {
    for (const change of [
      { meterStartWh: 99 },
      { meterStopWh: null },
      { hasEnded: false },
      { needsReview: true },
    ]) {
      const [before] = stored.transactions;
      if (before === undefined) throw new Error("there is one");
      stored.transactions[0] = { ...before, ...change };
      expect(kinds(), JSON.stringify(change)).toEqual(["unequal"]);
      stored.transactions[0] = before;
    }
  });

  it("sees a message that was given to another transaction", () => {
    Object.assign(stored.messages[1] as StoredMessage, { transactionId: "t-9" });
    expect(kinds()).toEqual(["unequal"]);
  });

  it("sees one start with two ids, one id for two starts, and a refusal", () => {
    say("m-4", "StartTransaction", START, { transactionId: 8, idTagInfo: { status: "Accepted" } });
    expect(kinds()).toContain("seen on the wire");
    ledger.wrong.length = 0;
    const another = { ...START, connectorId: 2 };
    say("m-5", "StartTransaction", another, { transactionId: 7, idTagInfo: { status: "Accepted" } });
    expect(kinds()).toContain("seen on the wire");
    ledger.wrong.length = 0;
    ledger.frame(STATION, "sent", JSON.stringify([2, "m-6", "MeterValues", READING]));
    ledger.frame(STATION, "received", JSON.stringify([4, "m-6", "InternalError", "", {}]));
    expect(kinds()).toContain("seen on the wire");
  });

  it("sees journals that are missing, damaged or given up", () => {
    for (const change of [{ journals: 2 }, { parked: 1 }, { gaps: 1 }, { halted: 1 }]) {
      stored = { ...stored, ...change };
      expect(kinds(), JSON.stringify(change)).toContain("journal");
      stored = { ...stored, journals: 1, parked: 0, gaps: 0, halted: 0 };
    }
  });
});

describe("the comparison of commands", () => {
  it("takes a CALL in time, with or without an entry that names its command", () => {
    const { commandId } = command();
    receive("k-1", AT + 4_000);
    expect(kinds()).toEqual([]);
    const called = {
      kind: "ocpp.called",
      messageId: "k-1",
      action: "UnlockConnector",
      commandId,
      content: "",
    };
    store(called);
    expect(kinds()).toEqual([]);
  });

  it("sees a late one", () => {
    command({ status: "uncertain" });
    receive("k-1", AT + 5_000 + LATE_MS + 1);
    expect(kinds()).toEqual(["late"]);
  });

  it("sees one that reaches its station twice, unless it is a wanted state", () => {
    command();
    receive("k-1", AT + 1_000);
    receive("k-2", AT + 2_000);
    expect(kinds()).toEqual(["command"]);
    command({ kind: "ChangeAvailability" });
    receive("k-3", AT + 1_000, "ChangeAvailability");
    receive("k-4", AT + 2_000, "ChangeAvailability");
    expect(kinds()).toEqual(["command"]);
  });

  it("sees a CALL that nobody asked for, and leaves the ER its own", () => {
    receive("k-1", AT + 1_000, "Reset");
    expect(kinds()).toEqual(["command"]);
    store({ kind: "ocpp.called", messageId: "k-1", action: "Reset", content: "" });
    receive("k-2", AT + 1_000, "TriggerMessage");
    expect(kinds()).toEqual([]);
  });

  it("sees a command without an end, and one whose end is not true", () => {
    command({ status: "accepted" });
    expect(kinds()).toEqual(["command"]);
    stored.commands.pop();
    command({ status: "succeeded" });
    expect(kinds()).toEqual(["command"]);
    stored.commands.pop();
    command({ status: "succeeded", kind: "Reset", reason: "observed: the station has started anew" });
    expect(kinds()).toEqual(["command"]);
    stored.commands.pop();
    command({ kind: "RequestStopTransaction", reason: "observed: the transaction has ended" });
    expect(kinds()).toEqual([]);
    command({ status: "expired" });
    receive("k-1", AT + 1_000);
    expect(kinds()).toEqual(["command"]);
  });
});
