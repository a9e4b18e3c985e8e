/**
 * What a station of OCPP 1.6 was told that it costs is what is billed: the ER's core, whatever the station says before
 * and while it charges, and what the SG makes of that very journal in PostgreSQL.
 */
import { randomInt, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { introduce, Journal, openTestDb, storeAll, type TestDb } from "../cloud/harness.ts";
import { priceOf } from "../cloud/pricing.ts";
import { createContext } from "../edge/core/context.ts";
import { costOf } from "../edge/core/cost.ts";
import { Bench, policyOf, recovered, TAG, TEN, time } from "../edge/core/harness.ts";
import type { TransactionMessage } from "../edge/core/transaction.ts";
import { encodeBlock } from "../shared/block.ts";
import type { Price } from "../shared/decide/tariff.ts";
import { seedRandom } from "../shared/ids.ts";
import { dialectOf } from "../shared/ocpp/dialect.ts";
import type { TariffTerms } from "../shared/tariff.ts";
import { fc, scaled } from "./services/property.ts";

/** Everything that a course can cost; bands begin at a quarter of an hour, as what the ER remembers does. */
const TERMS: TariffTerms = {
  currency: "BRL",
  elements: [
    { perKwhMicro: 1_000_000, perIdleMinuteMicro: 900_000, restrictions: { from: "10:30", to: "11:15" } },
    { startFeeMicro: 500_000, perKwhMicro: 3_000_000, perChargingMinuteMicro: 250_000 },
    { perIdleMinuteMicro: 600_000 },
  ],
  idleGraceMinutes: 2,
};
const TARIFF_ID = "01900000-0000-7000-8000-00000000007a";

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
  const { pool } = db;
  await pool.query("insert into tariff (tariff_id, operator_id, name) values ($1, 'default', 'Time')", [
    TARIFF_ID,
  ]);
  await pool.query(
    `insert into tariff_version (tariff_id, version, operator_id, valid_from, terms, created_by)
     values ($1, 1, 'default', '2020-01-01', $2, 'test')`,
    [TARIFF_ID, JSON.stringify(TERMS)],
  );
  await pool.query(
    `insert into tariff_assignment (assignment_id, operator_id, tariff_id, target, assigned_from, assigned_by)
     values ($1, 'default', $1, 'operator', '2020-01-01', 'test')`,
    [TARIFF_ID],
  );
});
afterAll(() => db.close());

/** What happens at the connector; each so many seconds after the one before. */
type Event =
  | { kind: "status"; afterS: number; word: string }
  | { kind: "meter"; afterS: number; wh: number }
  | { kind: "reconnect" | "boot" | "restart"; afterS: number };
type Session = {
  before: Event[];
  /** The station says that it began so long before it tells. */
  lateS: number;
  during: Event[];
  last: { afterS: number; wh: number };
};

/** A site whose station says these things, one session after the other. @returns the journal, and what was shown. */
function play(sessions: readonly Session[]) {
  const bench = new Bench({
    policy: policyOf([TAG], 1, {
      tariffs: {
        versions: [{ tariffId: TARIFF_ID, version: 1, validFrom: 0, terms: TERMS }],
        assignments: [{ tariffId: TARIFF_ID, from: 0 }],
      },
    }),
    identity: { authorization: "local" },
    start: { seed: [randomInt(2 ** 31)] },
  });
  let cp = bench.connect();
  let [s, register] = [0, 1_000];
  const boot = () =>
    void bench.result(cp, "BootNotification", { chargePointVendor: "V", chargePointModel: "M" });
  const goTo = (afterS: number): void => {
    s += afterS;
    bench.pass(TEN + s * 1_000 - bench.now.at);
  };
  const again = () => {
    cp = bench.connect();
  };
  boot();
  const shown = new Map<string, Price | undefined>();
  let transactionId: unknown;
  const happen = (event: Event): void => {
    goTo(event.afterS);
    if (event.kind === "status") {
      const told = { connectorId: 1, errorCode: "NoError", status: event.word, timestamp: time(s) };
      bench.result(cp, "StatusNotification", told);
    } else if (event.kind === "meter") {
      register += event.wh;
      const meterValue = [{ timestamp: time(s), sampledValue: [{ value: String(register) }] }];
      bench.result(cp, "MeterValues", { connectorId: 1, transactionId, meterValue });
    } else if (event.kind === "boot") boot();
    else {
      if (event.kind === "restart") bench.restart();
      else bench.disconnect(cp);
      // A new start draws as every bench does; transactions of two sites must not have one id.
      bench.state.live.random = seedRandom([randomInt(2 ** 31)]);
      again();
    }
  };
  for (const { before, lateS, during, last } of sessions) {
    goTo(1);
    before.forEach(happen);
    // Of what was said since then the site knows the last; the one before it may not be of after the start.
    const [late, final] = [Math.min(lateS, (before.at(-1)?.afterS ?? 1) - 1), before.at(-1)];
    const startedS = final?.kind === "status" ? s - Math.max(0, late) : s;
    const start = { connectorId: 1, idTag: "TAG", meterStart: register, timestamp: time(startedS) };
    ({ transactionId } = bench.result(cp, "StartTransaction", start));
    during.forEach(happen);
    goTo(last.afterS);
    register += last.wh;
    const stop = { transactionId, meterStop: register, timestamp: time(s) };
    const [id = ""] = bench.state.durable.stations.get("CP-1")?.open ?? [];
    const open = bench.state.durable.transactions.get(id);
    const message = dialectOf("ocpp1.6").read("StopTransaction", stop) as TransactionMessage;
    if (open !== undefined)
      shown.set(id, costOf(createContext(bench.state, { ...bench.now }), open, message)?.price);
    bench.result(cp, "StopTransaction", stop);
  }
  return { bench, shown };
}

const seen = (price: Price | undefined) =>
  price && [
    ...[price.totalMinor, price.energyWh, price.chargingS, price.idleS],
    ...price.lines.map(({ component, elementIndex, quantity }) => [component, elementIndex, quantity]),
  ];

let sites = 0;
/** … and what the SG bills for it. */
async function compare(sessions: readonly Session[]): Promise<(Price | undefined)[]> {
  const { bench, shown } = play(sessions);
  const name = `price-${++sites}`;
  const journal = new Journal(`er-${name}`, `site-${name}`);
  await introduce(db.pool, journal);
  await db.pool.query("update site set time_zone = 'UTC' where site_id = $1", [journal.siteId]);
  // Each boot has blocks, and a clock, of its own.
  const starts = bench.entries.flatMap(({ kind }, i) => (kind === "er.started" ? [i] : []));
  for (const [n, from] of starts.entries()) {
    const entries = bench.entries.slice(from, starts[n + 1]);
    const boot = randomUUID();
    const told = entries.map((entry) => (entry.kind === "er.started" ? { ...entry, boot } : entry));
    journal.commitBytes(encodeBlock(boot, told), told.length);
  }
  expect((await storeAll(db.pool, journal)).parked).toBe(0);
  expect(shown.size).toBe(sessions.length);
  for (const [transactionId, price] of shown) {
    const billed = await priceOf(db.pool, "default", transactionId);
    expect(seen(billed?.price)).toEqual(seen(price));
  }
  expect(recovered(bench.entries)).toEqual(bench.state.durable);
  return [...shown.values()];
}

const word = fc.constantFrom(
  ...["Available", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Faulted"],
);
const within = (max: number, min = 1) => fc.integer({ min, max });
const status = fc.record({ kind: fc.constant("status" as const), afterS: within(90, 0), word });
const break_ = fc.record({
  kind: fc.constantFrom("reconnect" as const, "boot" as const, "restart" as const),
  afterS: within(60),
});
const meter = fc.record({ kind: fc.constant("meter" as const), afterS: within(1_200), wh: within(3_000, 0) });
const session: fc.Arbitrary<Session> = fc.record({
  before: fc.array(fc.oneof({ weight: 4, arbitrary: status }, break_), { maxLength: 3 }),
  lateS: fc.constantFrom(0, 0, 1, 5),
  during: fc.array(fc.oneof({ weight: 3, arbitrary: status }, { weight: 3, arbitrary: meter }, break_), {
    maxLength: 8,
  }),
  last: fc.record({ afterS: within(1_200), wh: within(3_000, 0) }),
});

test("whatever a station says, before the start and after it", { timeout: scaled(120_000) }, async () => {
  const sessions = fc.array(session, { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(sessions, async (drawn) => void (await compare(drawn))),
    { numRuns: scaled(60) },
  );
});

test("who waits is not charged for it, also where the station says so before it tells of the start", async () => {
  const waits = (state: string, firstSaid: boolean): Session => ({
    before: firstSaid ? [{ kind: "status", afterS: 5, word: state }] : [],
    lateS: 0,
    during: [
      ...(firstSaid ? [] : [{ kind: "status" as const, afterS: 0, word: state }]),
      { kind: "status", afterS: 600, word: "Charging" },
      { kind: "meter", afterS: 300, wh: 2_000 },
      { kind: "status", afterS: 0, word: "SuspendedEV" },
    ],
    last: { afterS: 300, wh: 0 },
  });
  for (const state of ["SuspendedEV", "SuspendedEVSE"])
    for (const firstSaid of [true, false]) {
      const [price] = await compare([waits(state, firstSaid)]);
      expect(price).toMatchObject({ chargingS: 300, idleS: 300, energyWh: 2_000 });
    }
});
