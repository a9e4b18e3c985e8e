/** What goes and what stays when the disk gets full: only readings go, and every number is accounted for. */
import { describe, expect, test } from "vitest";
import { fc } from "../../sim/services/property.ts";
import type { Entry, EntryBody } from "../../shared/entry.ts";
import { formatTime } from "../../shared/time.ts";
import { TEN, uuid } from "./harness.ts";
import { pressureOf, rewriteLevel, thin } from "./pressure.ts";
import type { Pressure } from "./types.ts";

const LEVELS = [1, 60, 300] as const;
type Sampled = Record<string, unknown>;

const call = (action: string, payload: object) => JSON.stringify([2, "id", action, payload]);
const handled = (action: string, payload: object, protocol: "ocpp1.6" | "ocpp2.0.1" = "ocpp1.6") =>
  ({
    kind: "ocpp.handled",
    stationId: "CP-1",
    protocol,
    action,
    request: call(action, payload),
    response: '[3,"id",{}]',
    transactionId: uuid(1),
  }) as const satisfies EntryBody;

function meterValues(
  sampled: Sampled[] = [{ value: "7" }],
  more: { connectorId?: number; at?: number } = {},
) {
  const { connectorId = 1, at = TEN } = more;
  const meterValue = [{ timestamp: formatTime(at), sampledValue: sampled }];
  return handled("MeterValues", { connectorId, transactionId: 1, meterValue });
}
function updated(more: object = {}, sampled: Sampled = { value: 7 }) {
  const meterValue = [{ timestamp: formatTime(TEN), sampledValue: [sampled] }];
  const payload = {
    eventType: "Updated",
    triggerReason: "MeterValuePeriodic",
    seqNo: 1,
    transactionInfo: { transactionId: "t", chargingState: "Charging" },
    evse: { id: 1 },
    meterValue,
    ...more,
  };
  return handled("TransactionEvent", payload, "ocpp2.0.1");
}
const metered = (meterId: string, flags?: string[]): EntryBody => ({
  kind: "meter.sampled",
  meterId,
  reading: { powerW: 1 },
  ...(flags === undefined ? {} : { flags }),
});

/** Entries from `first` on, `everyMs` apart. */
const entriesOf = (bodies: readonly EntryBody[], everyMs = 1_000, first = 1): Entry[] =>
  bodies.map(
    (body, i) =>
      ({
        ...{ seq: first + i, at: TEN + i * everyMs, upMs: i * everyMs, clock: "synced" },
        ...body,
      }) as Entry,
  );
const seqsOf = (entries: readonly Entry[]) =>
  entries.flatMap((entry) => (entry.kind === "journal.shed" ? [] : [entry.seq]));
const shedOf = (entries: readonly Entry[]) => {
  const sheds = entries.filter((entry) => entry.kind === "journal.shed");
  expect(sheds.length).toBeLessThanOrEqual(1);
  return sheds[0];
};
/** Every number of the block, from the entries and from the ranges of what went; each may stand once. */
function covered(entries: readonly Entry[]): number[] {
  const gone = (shedOf(entries)?.ranges ?? []).flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i),
  );
  return [...seqsOf(entries), ...gone].sort((a, b) => a - b);
}
const twenty = <T>(make: (i: number) => T): T[] => Array.from({ length: 20 }, (_, i) => make(i));

describe("readings of the same thing within the same minute: the last one stays", () => {
  test.each<[string, () => EntryBody]>([
    ["MeterValues of OCPP 1.6", () => meterValues()],
    ["periodic events of OCPP 2.0.1", () => updated()],
    ["clock-aligned events", () => updated({ triggerReason: "MeterValueClock" })],
    ["values of a meter", () => metered("grid")],
    ["values that are flagged the same way", () => metered("grid", ["voltage-range"])],
  ])("%s", (_, make) => {
    const entries = entriesOf(twenty(make));
    const thinned = thin(entries, 60);
    expect(thinned.map((e) => e.seq)).toEqual([1, 20]);
    expect(thinned[0]).toMatchObject({ kind: "journal.shed", keptEveryS: 60, ranges: [[1, 19]] });
    expect(thinned[1]).toBe(entries[19]);
  });

  test("one per minute, or one per five", () => {
    const entries = entriesOf(
      twenty((i) => meterValues(undefined, { at: TEN + i * 30_000 })),
      30_000,
    );
    expect(seqsOf(thin(entries, 60))).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
    expect(seqsOf(thin(entries, 300))).toEqual([10, 20]);
    expect(shedOf(thin(entries, 300))).toMatchObject({
      keptEveryS: 300,
      ranges: [
        [1, 9],
        [11, 19],
      ],
    });
  });

  test("merging alone gives up nothing", () => {
    const entries = entriesOf(twenty(() => meterValues()));
    expect(thin(entries, 1)).toEqual(entries);
  });

  test("each connector, transaction, meter and kind of value by itself", () => {
    const power = [{ value: "1", measurand: "Power.Active.Import" }];
    const bodies = [
      ...[meterValues(), meterValues(undefined, { connectorId: 2 }), meterValues(power)],
      ...[
        { ...meterValues(), transactionId: uuid(2) },
        { ...meterValues(), stationId: "CP-2" },
      ],
      ...[
        { ...meterValues(), flags: ["orphan"] },
        metered("grid"),
        metered("pv"),
        metered("pv", ["phase-sum"]),
      ],
      updated({ transactionInfo: { transactionId: "t", chargingState: "SuspendedEV" } }),
      updated(),
    ];
    const entries = entriesOf([...bodies, ...bodies], 10);
    expect(seqsOf(thin(entries, 60))).toEqual(entries.slice(bodies.length).map((e) => e.seq));
  });

  test("readings that a station kept for an hour are thinned by their own time", () => {
    const kept = twenty((i) => meterValues(undefined, { at: TEN - 3_600_000 + i * 30_000 }));
    expect(seqsOf(thin(entriesOf(kept, 10), 60))).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
    const stuck = twenty(() => meterValues(undefined, { at: 0 }));
    expect(seqsOf(thin(entriesOf(stuck, 30_000), 60))).toHaveLength(10);
  });
});

/** Everything that must outlive any pressure. */
const PRECIOUS: EntryBody[] = [
  meterValues([{ value: "1", context: "Transaction.Begin" }]),
  meterValues([{ value: "1" }, { value: "2", context: "Transaction.End" }]),
  meterValues([{ value: "1", context: "Trigger" }]),
  meterValues([{ value: "sig", format: "SignedData" }]),
  updated({}, { value: 1, signedMeterValue: { signedMeterData: "x" } }),
  updated({}, { value: 1, context: "Transaction.End" }),
  updated({ idToken: { idToken: "TAG", type: "ISO14443" } }),
  updated({ triggerReason: "ChargingStateChanged" }),
  updated({ eventType: "Started" }),
  updated({ eventType: "Ended" }),
  updated({ meterValue: undefined }),
  handled("MeterValues", { connectorId: 1, meterValue: [] }),
  handled("MeterValues", { connectorId: 1, meterValue: [{ sampledValue: "?" }] }),
  handled("StartTransaction", { connectorId: 1, idTag: "TAG", meterStart: 0 }),
  handled("StopTransaction", { transactionId: 1, meterStop: 7 }),
  handled("StatusNotification", { connectorId: 1, status: "Available", errorCode: "NoError" }),
  handled("Authorize", { idTag: "TAG" }),
  { ...meterValues(), decision: { status: "Accepted", reason: "listed" } },
  {
    ...{ kind: "ocpp.rejected", stationId: "CP-1", protocol: "ocpp1.6", action: "MeterValues" },
    ...{ request: meterValues().request, code: "FormatViolation", reason: "x" },
  },
  { kind: "station.online", stationId: "CP-1", protocol: "ocpp1.6" },
  { kind: "station.offline", stationId: "CP-1", reason: "closed 1006" },
  { kind: "command.accepted", commandId: uuid(3), stationId: "CP-1", commandKind: "Reset" },
  { kind: "command.finished", commandId: uuid(3), stationId: "CP-1", status: "succeeded" },
  { kind: "meter.health", meterId: "grid", state: "lost", model: "m" },
  { kind: "policy.applied", version: 1 },
  { kind: "lease.granted", first: 1, count: 1_000 },
  { kind: "clock.synced", offsetMs: 1 },
  { kind: "er.stopped" },
];
const READINGS: EntryBody[] = [meterValues(), updated(), metered("grid"), metered("pv")];

test("everything but periodic readings stays, however full the disk is", () => {
  const entries = entriesOf([...PRECIOUS, ...PRECIOUS, ...PRECIOUS], 10);
  for (const level of LEVELS) expect(thin(entries, level)).toEqual(entries);
});

describe("whatever the entries are", () => {
  const body = fc.oneof(fc.constantFrom(...READINGS), fc.constantFrom(...READINGS, ...PRECIOUS));
  const journal = fc
    .record({
      bodies: fc.array(body, { minLength: 1, maxLength: 120 }),
      everyMs: fc.integer({ min: 1, max: 90_000 }),
    })
    .map(({ bodies, everyMs }) => ({
      entries: entriesOf(bodies, everyMs, 1_000),
      precious: bodies.flatMap((b, i) => ((PRECIOUS as unknown[]).includes(b) ? [1_000 + i] : [])),
    }));
  const level = fc.constantFrom(...LEVELS);

  test("numbers and ranges cover the block exactly, what stays is in order and untouched", () => {
    fc.assert(
      fc.property(journal, level, ({ entries, precious }, to) => {
        const thinned = thin(entries, to);
        expect(covered(thinned)).toEqual(entries.map((e) => e.seq));
        const kept = thinned.filter((e) => e.kind !== "journal.shed");
        expect(kept).toEqual(entries.filter((e) => thinned.includes(e)));
        expect(thinned.map((e) => e.seq)).toEqual(thinned.map((e) => e.seq).sort((a, b) => a - b));
        expect(kept.map((e) => e.seq)).toEqual(expect.arrayContaining(precious));
        const shed = shedOf(thinned);
        if (shed !== undefined) expect(shed.ranges[0]?.[0]).toBe(shed.seq);
        expect(shed?.ranges.length ?? 0).toBeLessThanOrEqual(kept.length + 1);
      }),
    );
  });

  test("doing it again changes nothing, and in steps is the same as at once", () => {
    fc.assert(
      fc.property(journal, level, fc.nat(120), ({ entries }, to, cut) => {
        const once = thin(entries, to);
        expect(thin(once, to)).toEqual(once);
        expect(thin(once, 1)).toEqual(once);
        expect(seqsOf(thin(thin(entries, 60), 300))).toEqual(seqsOf(thin(entries, 300)));
        const halves = [...thin(entries.slice(0, cut), to), ...thin(entries.slice(cut), to)];
        expect(seqsOf(thin(halves, to))).toEqual(seqsOf(once));
        expect(covered(thin(halves, 1))).toEqual(entries.map((e) => e.seq));
      }),
    );
  });
});

describe("pressure", () => {
  const budget = { budgetBytes: 1_064, reserveBytes: 64 };
  const at = (usedBytes: number, before: Pressure = "none") => pressureOf({ usedBytes, ...budget }, before);

  test("rises with what is used", () => {
    const steps = [0, 499, 500, 699, 700, 849, 850, 999, 1_000, 5_000];
    expect(steps.map((used) => at(used))).toEqual([
      ...["none", "none", "compact", "compact", "thin-60", "thin-60", "thin-300", "thin-300"],
      ...["refuse", "refuse"],
    ]);
  });

  test("falls a little later than it rose, so that it does not flap", () => {
    expect(at(960, "refuse")).toBe("refuse");
    expect(at(949, "refuse")).toBe("thin-300");
    expect(at(949, "thin-300")).toBe("thin-300");
    expect(at(690, "thin-60")).toBe("thin-60");
    expect(at(640, "thin-60")).toBe("compact");
    expect(at(0, "refuse")).toBe("none");
  });

  test("a disk without room refuses, whatever the budget was", () => {
    expect(pressureOf({ usedBytes: 10, budgetBytes: 20, reserveBytes: 64 }, "none")).toBe("refuse");
  });

  test("more pressure never rewrites less", () => {
    const levels = (["none", "compact", "thin-60", "thin-300", "refuse"] as const).map(rewriteLevel);
    expect(levels).toEqual([0, 1, 60, 300, 300]);
  });
});
