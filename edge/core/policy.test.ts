/** The site decides alone: whose policy counts, how old it is, and what it makes of each token. */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { POLICY_DEFAULTS, signPolicy, type Policy } from "../../shared/policy.ts";
import { Bench, policyOf, signed, TAG, time, type NamedToken } from "./harness.ts";

const cap = { energyWh: 5_000, durationS: 3_600, startsPerDay: 2, siteEnergyWhPerDay: 12_000 };

function site(tokens: NamedToken[], more: Partial<Policy> = {}) {
  const bench = new Bench({
    policy: policyOf(tokens, 1, more),
    identity: { authorization: "local", provision: false },
  });
  const cp = bench.connect();
  let n = 0;
  const start = (idTag: string, connectorId = 1) =>
    bench.result(cp, "StartTransaction", { connectorId, idTag, meterStart: 0, timestamp: time(n++) });
  const statusOf = (idTag: string) => (start(idTag)["idTagInfo"] as { status: string }).status;
  return { bench, cp, start, statusOf };
}
const decision = (bench: Bench) => bench.last("ocpp.handled").decision;

describe("a policy", () => {
  const give = (bench: Bench, policy: Policy, key = generateKeyPairSync("ed25519").privateKey) =>
    bench.input({ kind: "link.policy", signed: signPolicy(policy, key) });
  const used = (bench: Bench) => bench.state.durable.policyVersion;

  test("of the first key that comes is believed; of another key it is not, and the log says what to do", () => {
    const bench = new Bench();
    give(bench, policyOf([TAG], 1));
    const out = give(bench, policyOf([], 2));
    expect(used(bench)).toBe(1);
    expect(out.effects).toMatchObject([
      { kind: "log", level: "error", fields: { reason: expect.stringContaining("does not trust") } },
    ]);
    expect(bench.result(bench.connect(), "Authorize", { idTag: "TAG" })).toMatchObject({
      idTagInfo: { status: "Accepted" },
    });
  });

  test("of a key that the installer has not given is never believed", () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const policyKey = publicKey.export({ type: "spki", format: "der" }).toString("base64");
    const bench = new Bench({ identity: { policyKey } });
    give(bench, policyOf([TAG], 1));
    expect(used(bench)).toBe(0);
    give(bench, policyOf([TAG], 2), privateKey);
    expect(used(bench)).toBe(2);
  });

  test("of a new key is believed once the old key has vouched for it, and after a restart", () => {
    const next = generateKeyPairSync("ed25519");
    const bench = new Bench();
    const key = next.publicKey.export({ type: "spki", format: "der" }).toString("base64");
    bench.input({ kind: "link.policy", signed: signed(policyOf([], 1, { trustKeys: [key] })) });
    bench.restart();
    give(bench, policyOf([TAG], 2), next.privateKey);
    expect(used(bench)).toBe(2);
  });

  test("that was altered, is of another site, or was issued before the one in use, changes nothing", () => {
    const bench = new Bench();
    const older = policyOf([TAG], 7);
    bench.input({ kind: "link.policy", signed: signed(policyOf([TAG], 5)) });
    const good = signed(policyOf([], 6));
    bench.input({ kind: "link.policy", signed: { ...good, policy: good.policy.replace("deny", "allow") } });
    bench.input({ kind: "link.policy", signed: signed(policyOf([], 6, { siteId: "site-2" })) });
    bench.input({ kind: "link.policy", signed: signed(older) });
    bench.input({ kind: "link.policy", signed: { ...good, publicKey: "AAAA" } });
    expect(used(bench)).toBe(5);
  });
});

describe("how old the site's knowledge is", () => {
  const trusted = { ...TAG, idToken: "TRUSTED", trusted: true };

  test("fresh, stale, then old: then only trusted tokens and those used here go on", () => {
    const { bench, statusOf } = site([TAG, trusted, { ...TAG, idToken: "RARE" }]);
    expect(statusOf("TAG")).toBe("Accepted");
    expect(decision(bench)).toMatchObject({ reason: "listed", freshness: "fresh", policyVersion: 0 });
    bench.pass(POLICY_DEFAULTS.staleAfterS * 1_000);
    expect(statusOf("RARE")).toBe("Accepted");
    expect(decision(bench)?.freshness).toBe("stale");
    bench.pass(POLICY_DEFAULTS.oldAfterS * 1_000);
    expect(statusOf("TRUSTED")).toBe("Accepted");
    expect(decision(bench)?.freshness).toBe("old");
    expect(statusOf("TAG")).toBe("Accepted");
  });

  test("old: a listed token that was never used here gets what an unknown one gets", () => {
    const { bench, statusOf } = site([TAG]);
    bench.pass(POLICY_DEFAULTS.oldAfterS * 1_000);
    expect(statusOf("TAG")).toBe("Invalid");
    expect(decision(bench)?.reason).toBe("old-denied");
  });

  test("a token that the cloud knows to be used here goes on when old", () => {
    const { bench, statusOf } = site([TAG], { recent: [{ idToken: "tag", lastUsedAt: 1 }] });
    bench.pass(POLICY_DEFAULTS.oldAfterS * 1_000);
    expect(statusOf("TAG")).toBe("Accepted");
  });

  test("the cloud's word that the policy is its own makes it fresh again; that of another version does not", () => {
    const bench = new Bench();
    bench.input({ kind: "link.policy", signed: signed(policyOf([TAG], 3)) });
    bench.pass(POLICY_DEFAULTS.oldAfterS * 1_000);
    const freshness = () => {
      bench.result(bench.connect(), "Authorize", { idTag: "NOBODY" });
      return decision(bench)?.freshness;
    };
    expect(freshness()).toBe("old");
    bench.ack(0, { policyVersion: 4 });
    bench.input({ kind: "link.down" });
    expect(freshness()).toBe("old");
    bench.ack(0, { policyVersion: 3 });
    bench.input({ kind: "link.down" });
    expect(freshness()).toBe("fresh");
  });

  test("over a restart it counts on by the wall clock; without a clock by uptime", () => {
    const bench = new Bench();
    bench.input({ kind: "link.policy", signed: signed(policyOf([TAG], 3)) });
    const after = (ms: number, clock: "holdover" | "untrusted") => {
      bench.restart();
      Object.assign(bench.state.live, { policySyncedUpMs: undefined, clock });
      bench.pass(ms);
      bench.result(bench.connect(), "Authorize", { idTag: "NOBODY" });
      return decision(bench)?.freshness;
    };
    expect(after(POLICY_DEFAULTS.staleAfterS * 1_000, "holdover")).toBe("stale");
    // The wall clock has fallen back by years: what has gone by since the start still counts.
    bench.now.at -= 86_400_000 * 800;
    const { staleAfterS, oldAfterS } = POLICY_DEFAULTS;
    expect(after((oldAfterS - staleAfterS - 10) * 1_000, "untrusted")).toBe("stale");
    bench.pass(11_000);
    bench.result(bench.connect(), "Authorize", { idTag: "NOBODY" });
    expect(decision(bench)?.freshness).toBe("old");
  });
});

describe("tokens", () => {
  test("a token with stations of its own charges there only", () => {
    const { bench, statusOf } = site([{ ...TAG, stations: ["CP-2"] }]);
    expect(statusOf("TAG")).toBe("Invalid");
    expect(decision(bench)?.reason).toBe("out-of-scope");
    const other = bench.connect("CP-2");
    expect(bench.result(other, "Authorize", { idTag: "TAG" })).toMatchObject({
      idTagInfo: { status: "Accepted" },
    });
  });

  test("not more transactions at once than a token may have; what it started itself does not count twice", () => {
    const { bench, cp, start, statusOf } = site([{ ...TAG, maxConcurrent: 1 }]);
    const { transactionId } = start("TAG");
    expect(statusOf("tag")).toBe("ConcurrentTx");
    bench.result(cp, "StopTransaction", { transactionId, meterStop: 9, timestamp: time(60) });
    expect(statusOf("TAG")).toBe("Accepted");
  });

  test("a full journal lets nobody start, with a status that says so, but who charges may come to stop", () => {
    const { bench, cp, start, statusOf } = site([TAG, { ...TAG, idToken: "OTHER" }]);
    start("TAG");
    bench.state.live.pressure = "refuse";
    expect(statusOf("OTHER")).toBe("Invalid");
    expect(decision(bench)?.reason).toBe("journal-full");
    expect(bench.result(cp, "Authorize", { idTag: "TAG" })).toMatchObject({
      idTagInfo: { status: "Accepted" },
    });
    const cp2 = bench.connect("CP-2", "ocpp2.0.1");
    const idToken = { idToken: "OTHER", type: "ISO14443" };
    expect(bench.result(cp2, "Authorize", { idToken })).toMatchObject({
      idTokenInfo: { status: "NotAtThisTime", personalMessage: { content: expect.any(String) } },
    });
  });
});

describe("unknown tokens", () => {
  test("are refused where the site says so, and let in without a bound where it says so", () => {
    expect(site([]).statusOf("X")).toBe("Invalid");
    const { bench, statusOf } = site([], { unknownToken: "allow" });
    expect(statusOf("X")).toBe("Accepted");
    expect(decision(bench)?.cap).toBeUndefined();
  });

  test("with a cap: so often a day, so much for all of them, and it is known after a restart", () => {
    const { bench, statusOf } = site([], { unknownToken: "cap", unknownCap: cap });
    expect(statusOf("X")).toBe("Accepted");
    expect(decision(bench)).toMatchObject({
      reason: "unknown-capped",
      cap: { energyWh: 5_000, durationS: 3_600 },
    });
    expect(statusOf("x")).toBe("Accepted");
    expect(statusOf("X")).toBe("Invalid");
    expect(decision(bench)?.reason).toBe("unknown-too-often");
    bench.restart();
    expect(bench.state.durable.unknownStarts).toHaveLength(2);
    const again = bench.connect();
    bench.result(again, "StartTransaction", {
      connectorId: 2,
      idTag: "Y",
      meterStart: 0,
      timestamp: time(9),
    });
    expect(decision(bench)?.reason).toBe("unknown-site-limit");
    bench.pass(86_400_000);
    bench.result(again, "StartTransaction", {
      connectorId: 2,
      idTag: "X",
      meterStart: 0,
      timestamp: time(1e5),
    });
    expect(decision(bench)?.reason).toBe("unknown-capped");
  });
});

test("what is asked of the cloud is journalled as the cloud's decision", () => {
  const bench = new Bench({ policy: policyOf([TAG]) });
  bench.online();
  const cp = bench.connect();
  bench.call(cp, "Authorize", { idTag: "TAG" });
  const { correlationId = "" } = bench.effectsOf("publish.ask").at(-1)?.ask ?? {};
  const answer = { kind: "authorize" as const, status: "Blocked" as const, reason: "blocked" };
  bench.input({ kind: "link.answer", answer: { v: 1, correlationId, answer } });
  expect(bench.last("ocpp.handled")).toMatchObject({ basis: "sg", decision: { reason: "blocked" } });
  expect(decision(bench)).not.toHaveProperty("freshness");
});
