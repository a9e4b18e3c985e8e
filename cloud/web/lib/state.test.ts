/** What the cloud says, and how it looks. */
import { describe, expect, it } from "vitest";
import type { CommandView, Connector, Message, Transaction } from "../../api/schemas.ts";
import { commandSteps, connectorState, isFinished, messageState, transactionState } from "./state.ts";

const connector = (change: Partial<Connector>): Connector => ({
  stationId: "A",
  evseId: 1,
  connectorId: 1,
  status: "Available",
  detail: null,
  errorCode: null,
  statusAt: null,
  transactionId: null,
  powerW: null,
  ...change,
});

describe("connectorState", () => {
  it.each<[Partial<Connector>, string]>([
    [{}, "free"],
    [{ status: "Occupied", detail: "Charging", transactionId: "t", powerW: 7_000 }, "charging"],
    [{ status: "Occupied", detail: null, transactionId: "t", powerW: null }, "charging"],
    [{ status: "Occupied", detail: null, transactionId: "t", powerW: 0 }, "waiting"],
    [{ status: "Occupied", detail: "SuspendedEV", transactionId: "t", powerW: 0 }, "waiting"],
    [{ status: "Occupied", detail: "Preparing" }, "waiting"],
    [{ status: "Occupied", detail: null }, "occupied"],
    [{ status: "Reserved" }, "reserved"],
    [{ status: "Unavailable" }, "unavailable"],
    [{ status: "Faulted", transactionId: "t" }, "faulted"],
    [{ status: "Unknown" }, "unknown"],
  ])("shows %j as %s", (change, expected) => {
    expect(connectorState(connector(change))).toBe(expected);
  });
});

describe("transactionState", () => {
  const transaction = (change: Partial<Transaction>) =>
    ({
      status: "active",
      chargingState: "Charging",
      powerW: 7_000,
      needsReview: false,
      endedUnseen: false,
      mergedInto: null,
      writtenOff: false,
      ...change,
    }) as Transaction;

  it("says first that a person must look", () => {
    expect(transactionState(transaction({ status: "ended", needsReview: true }))).toBe("review");
  });

  it("keeps an end whose details have not arrived apart from one that is complete", () => {
    expect(transactionState(transaction({ status: "ended", endedUnseen: true }))).toBe("unseen");
  });

  it("shows what a person decided before what had to be decided", () => {
    expect(transactionState(transaction({ needsReview: true, mergedInto: "t" }))).toBe("merged");
    expect(transactionState(transaction({ needsReview: true, writtenOff: true }))).toBe("writtenOff");
  });

  it("tells charging, waiting and ended apart", () => {
    expect(transactionState(transaction({}))).toBe("charging");
    expect(transactionState(transaction({ chargingState: "SuspendedEV" }))).toBe("waiting");
    expect(transactionState(transaction({ chargingState: null, powerW: 0 }))).toBe("waiting");
    expect(transactionState(transaction({ status: "ended", powerW: 0 }))).toBe("ended");
  });
});

describe("commandSteps", () => {
  const at = "2026-11-22T16:00:00Z";
  const command = (change: Partial<CommandView>) =>
    ({
      status: "pending",
      issuedAt: at,
      sentAt: null,
      acceptedAt: null,
      finishedAt: null,
      ...change,
    }) as CommandView;
  const phases = (change: Partial<CommandView>) =>
    commandSteps(command(change)).map(({ name, phase }) => `${name} ${phase}`);

  it("shows a command that waits for the broker", () => {
    expect(phases({})).toEqual(["pending now", "sent next", "accepted next", "succeeded next"]);
  });

  it("shows a command that the ER has", () => {
    const change = { status: "accepted", sentAt: at, acceptedAt: at } as const;
    expect(phases(change)).toEqual(["pending done", "sent done", "accepted now", "succeeded next"]);
    expect(isFinished(command(change))).toBe(false);
  });

  it("ends with what came of it", () => {
    const change = { status: "uncertain", sentAt: at, acceptedAt: at, finishedAt: at } as const;
    expect(phases(change)).toEqual(["pending done", "sent done", "accepted done", "uncertain now"]);
    expect(isFinished(command(change))).toBe(true);
  });

  it("shows steps that never happened as such", () => {
    expect(phases({ status: "expired", finishedAt: at })).toEqual([
      "pending done",
      "sent skipped",
      "accepted skipped",
      "expired now",
    ]);
  });
});

describe("messageState", () => {
  const message = (change: Partial<Message>) =>
    ({ kind: "ocpp.called", response: null, ...change }) as Message;

  it("marks a call without an answer, and one that was answered with an error", () => {
    expect(messageState(message({}))).toBe("failed");
    expect(messageState(message({ response: '[4,"1","NotSupported","",{}]' }))).toBe("failed");
    expect(messageState(message({ response: '[3,"1",{"status":"Accepted"}]' }))).toBe("called");
  });

  it("marks refused frames and changes of the connection", () => {
    expect(messageState(message({ kind: "ocpp.rejected" }))).toBe("rejected");
    expect(messageState(message({ kind: "station.offline" }))).toBe("offline");
    expect(messageState(message({ kind: "ocpp.handled", response: "[3]" }))).toBe("handled");
  });
});
