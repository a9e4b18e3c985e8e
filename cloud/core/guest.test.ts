/** What becomes of a guest: each failure of the way, and that money is neither kept nor given back too early. */
import { describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import {
  energyFor,
  GUEST_REASONS,
  GUEST_SESSION_MS_MAX,
  GUEST_STATES,
  guestStep,
  HOLD_MS,
  OFFLINE_WAIT_MS,
  PLUG_IN_MS,
  UNCERTAIN_MS,
  type GuestView,
} from "./guest.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;

const view = (more: Partial<GuestView> = {}): GuestView => ({
  state: "awaiting-payment",
  reason: undefined,
  flow: "authorize",
  payment: { good: true, over: false, paidAtMs: NOW - MINUTE, limitMinor: 5_000, kept: false },
  place: { online: true, free: true },
  start: undefined,
  stop: undefined,
  stopAsked: false,
  cancelAsked: false,
  transaction: undefined,
  runningMinor: undefined,
  billing: undefined,
  comparable: true,
  settledBy: undefined,
  ...more,
});
const unpaid = { good: false, over: false, paidAtMs: undefined, limitMinor: 5_000, kept: false };
const started = (status: string, ageMs = 1_000) => ({ status, issuedAtMs: NOW - ageMs });
const step = (more: Partial<GuestView> = {}) => guestStep(view(more), NOW);

describe("before it charges", () => {
  test("paid, the place is free: it starts, once", () => {
    expect(step({ payment: unpaid })).toMatchObject({ do: "wait", state: "awaiting-payment" });
    expect(step()).toEqual({ do: "start" });
    expect(step({ start: started("pending") })).toMatchObject({ do: "wait", state: "starting" });
    expect(step({ start: started("succeeded") })).toMatchObject({ do: "wait", state: "plug-in" });
  });

  test("paid, and the site is away or somebody else is there: everything goes back", () => {
    expect(step({ place: { online: false, free: true } })).toEqual({ do: "release", reason: "site-offline" });
    expect(step({ place: { online: true, free: false } })).toEqual({
      do: "release",
      reason: "connector-taken",
    });
  });

  test("never paid, or not wanted any more", () => {
    expect(step({ payment: { ...unpaid, over: true } })).toEqual({
      do: "release",
      reason: "payment-expired",
    });
    expect(step({ payment: unpaid, cancelAsked: true })).toEqual({ do: "release", reason: "cancelled" });
    expect(step({ cancelAsked: true })).toEqual({ do: "release", reason: "cancelled" });
    // The command is out: whether it starts is known soon.
    expect(step({ cancelAsked: true, start: started("sent") })).toMatchObject({
      do: "wait",
      state: "starting",
    });
    expect(step({ cancelAsked: true, start: started("succeeded") })).toEqual({
      do: "release",
      reason: "cancelled",
    });
  });

  test.each([
    ["rejected", "start-refused"],
    ["superseded", "start-refused"],
    ["failed", "start-failed"],
    ["expired", "start-expired"],
  ])("a start that was %s: everything goes back", (status, reason) => {
    expect(step({ start: started(status) })).toEqual({ do: "release", reason });
  });

  test("an uncertain start waits for what is observed; then everything goes back", () => {
    expect(step({ start: started("uncertain") })).toMatchObject({ do: "wait", reason: "start-uncertain" });
    expect(step({ start: started("uncertain", UNCERTAIN_MS) })).toEqual({
      do: "release",
      reason: "start-uncertain",
    });
    const away = { place: { online: false, free: true }, start: started("uncertain", UNCERTAIN_MS) };
    expect(step(away)).toMatchObject({ do: "wait", reason: "start-uncertain" });
  });

  test("nobody plugs in; but a site that went away may be charging all the same", () => {
    expect(step({ start: started("succeeded", PLUG_IN_MS) })).toEqual({
      do: "release",
      reason: "not-plugged-in",
    });
    const away = { online: false, free: true };
    for (const flow of ["authorize", "prepay"] as const) {
      const late = OFFLINE_WAIT_MS[flow];
      expect(step({ flow, place: away, start: started("succeeded", late - 1) })).toMatchObject({
        do: "wait",
      });
      expect(step({ flow, place: away, start: started("succeeded", late) })).toMatchObject({ do: "release" });
    }
  });
});

describe("while it charges", () => {
  const running = { running: true, startedAtMs: NOW - MINUTE };

  test("the guest, the money and the clock may stop it; asked again when it goes on", () => {
    expect(step({ transaction: running })).toMatchObject({
      do: "wait",
      state: "charging",
      reason: undefined,
    });
    expect(step({ transaction: running, stopAsked: true })).toEqual({ do: "stop", reason: "guest-stopped" });
    expect(step({ transaction: running, runningMinor: 4_999 })).toMatchObject({ do: "wait" });
    expect(step({ transaction: running, runningMinor: 5_000 })).toEqual({
      do: "stop",
      reason: "amount-used",
    });
    const long = { running: true, startedAtMs: NOW - GUEST_SESSION_MS_MAX - 1 };
    expect(step({ transaction: long })).toEqual({ do: "stop", reason: "too-long" });
    const asked = { transaction: running, stopAsked: true };
    expect(step({ ...asked, stop: started("sent") })).toMatchObject({ do: "wait" });
    expect(step({ ...asked, stop: started("rejected", 1_000) })).toMatchObject({ do: "wait" });
    expect(step({ ...asked, stop: started("rejected", 2 * MINUTE) })).toEqual({
      do: "stop",
      reason: "guest-stopped",
    });
  });

  test("one that begins after the money went back is stopped, and billed", () => {
    const late = { state: "released", reason: "start-uncertain", start: started("uncertain") } as const;
    expect(step({ ...late, transaction: running })).toEqual({ do: "stop", reason: "late-start" });
    const over = { running: false, startedAtMs: NOW - MINUTE };
    const billing = { status: "billed", cdrId: "c1", totalMinor: 700 } as const;
    expect(step({ ...late, transaction: over, billing })).toEqual({
      do: "settle",
      cdrId: "c1",
      totalMinor: 700,
    });
  });

  test("one whose hold was let go of at the provider is stopped", () => {
    const payment = { good: false, over: true, paidAtMs: NOW, limitMinor: 5_000, kept: false };
    expect(step({ state: "charging", payment, transaction: running })).toEqual({
      do: "stop",
      reason: "late-start",
    });
  });
});

describe("after it has charged", () => {
  const over = { running: false, startedAtMs: NOW - 60 * MINUTE };
  const billed = (cdrId: string, totalMinor: number) => ({ status: "billed" as const, cdrId, totalMinor });

  test("the CDR settles it, a correction again, nothing twice", () => {
    expect(step({ transaction: over })).toMatchObject({ do: "wait", state: "finishing" });
    expect(step({ transaction: over, billing: billed("c1", 3_200) })).toEqual({
      ...{ do: "settle", cdrId: "c1", totalMinor: 3_200 },
    });
    const settled = { state: "settled", transaction: over, settledBy: "c1" } as const;
    expect(step({ ...settled, billing: billed("c1", 3_200) })).toMatchObject({
      do: "wait",
      lookInMs: undefined,
    });
    expect(step({ ...settled, billing: billed("c2", 3_000) })).toEqual({
      ...{ do: "settle", cdrId: "c2", totalMinor: 3_000 },
    });
  });

  test("nothing to bill: everything goes back", () => {
    const billing = { status: "none", cdrId: undefined, totalMinor: 0 } as const;
    expect(step({ transaction: over, billing })).toEqual({ do: "release", reason: "nothing-charged" });
  });

  test("what waits for a person waits; before a hold lapses, what is known is taken", () => {
    const billing = { status: "held", cdrId: undefined, totalMinor: 0 } as const;
    const held = { state: "finishing", transaction: over, billing, runningMinor: 2_100 } as const;
    expect(step(held)).toMatchObject({ do: "wait", state: "finishing" });
    const payment = { good: true, over: false, paidAtMs: NOW - HOLD_MS - 1, limitMinor: 5_000, kept: false };
    expect(step({ ...held, payment })).toEqual({ do: "settle", cdrId: undefined, totalMinor: 2_100 });
    expect(step({ ...held, payment, flow: "prepay" })).toMatchObject({ do: "wait" });
    expect(step({ ...held, payment: { ...payment, kept: true } })).toMatchObject({ do: "wait" });
  });
});

test("whatever is known: nothing is started without money, nothing given back while a transaction may need it", () => {
  const status = fc.constantFrom(
    "pending",
    "sent",
    "accepted",
    "succeeded",
    "rejected",
    "failed",
    "expired",
    "uncertain",
  );
  const command = fc.option(
    fc.record({ status, issuedAtMs: fc.integer({ min: NOW - 3 * 86_400_000, max: NOW }) }),
    {
      nil: undefined,
    },
  );
  const views: fc.Arbitrary<GuestView> = fc.record({
    state: fc.constantFrom(...GUEST_STATES),
    reason: fc.option(fc.constantFrom(...GUEST_REASONS), { nil: undefined }),
    flow: fc.constantFrom("authorize", "prepay"),
    payment: fc.record({
      good: fc.boolean(),
      over: fc.boolean(),
      paidAtMs: fc.option(fc.integer({ min: NOW - 9 * 86_400_000, max: NOW }), { nil: undefined }),
      limitMinor: fc.integer({ min: 1, max: 9_000 }),
      kept: fc.boolean(),
    }),
    place: fc.record({ online: fc.boolean(), free: fc.boolean() }),
    start: command,
    stop: command,
    stopAsked: fc.boolean(),
    cancelAsked: fc.boolean(),
    transaction: fc.option(
      fc.record({ running: fc.boolean(), startedAtMs: fc.integer({ min: NOW - 3 * 86_400_000, max: NOW }) }),
      { nil: undefined },
    ),
    runningMinor: fc.option(fc.integer({ min: 0, max: 9_000 }), { nil: undefined }),
    billing: fc.option(
      fc.record({
        status: fc.constantFrom("pending", "held", "billed", "none"),
        cdrId: fc.constantFrom("c1", undefined),
        totalMinor: fc.integer({ min: 0, max: 9_000 }),
      }),
      { nil: undefined },
    ),
    comparable: fc.boolean(),
    settledBy: fc.constantFrom("c1", undefined),
  });
  fc.assert(
    fc.property(views, (v) => {
      const next = guestStep(v, NOW);
      if (next.do === "start") expect(v.payment.good && v.start === undefined && v.place.online).toBe(true);
      // A hold that is about to lapse is taken while it runs; nothing else is decided before the end.
      const lapses = v.flow === "authorize" && NOW - (v.payment.paidAtMs ?? NOW) > HOLD_MS;
      if (v.transaction?.running === true)
        expect(lapses ? ["wait", "stop", "settle"] : ["wait", "stop"]).toContain(next.do);
      if (next.do === "release" && v.transaction !== undefined) expect(v.billing?.status).toBe("none");
      if (next.do === "settle")
        expect([v.transaction?.running === true && !lapses, v.comparable]).toEqual([false, true]);
      // Whoever waits is looked at again, unless nothing more can come.
      if (next.do === "wait" && next.lookInMs === undefined)
        expect(["settled", "released", "expired"]).toContain(next.state);
    }),
    { numRuns: scaled(2_000) },
  );
});

test("the energy that an amount buys: the most that it pays for", () => {
  const price = (wh: number) => (wh === 0 ? 0 : 200 + Math.ceil((wh * 189) / 1_000));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20_000 }), (amount) => {
      const wh = energyFor(amount, price) ?? 0;
      expect(price(wh)).toBeLessThanOrEqual(amount);
      expect(price(wh + 1)).toBeGreaterThan(amount);
    }),
  );
  expect(energyFor(100, () => 50)).toBeUndefined();
});
