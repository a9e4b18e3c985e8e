/** The authorization rule: which case comes first, and who may stop what. */
import { describe, expect, test } from "vitest";
import { fc } from "../../sim/services/property.ts";
import type { PolicyToken } from "../policy.ts";
import { decideAuthorize, decideStop, type AuthorizeQuestion } from "./authorize.ts";

const now = 1_793_527_200_000;
type Token = Omit<PolicyToken, "hash">;
const listed: Token = { status: "Accepted" };
const situation = {
  unknownToken: "deny",
  purpose: "start",
  stationId: "CP-1",
  running: 0,
  freshness: "fresh",
  usedHere: false,
  atMs: now,
} as const;
const ask = (token: Token | undefined, more: Partial<AuthorizeQuestion> = {}) =>
  decideAuthorize({ token, ...situation, ...more });

describe("may this token start?", () => {
  test("a listed token may, with its group and expiry", () => {
    const token = { ...listed, groupId: "G", expiresAt: now + 1 };
    expect(ask(token)).toEqual({ status: "Accepted", reason: "listed", groupId: "G", expiresAt: now + 1 });
  });

  test("a token is valid up to and including its expiry", () => {
    expect(ask({ ...listed, expiresAt: now }).status).toBe("Accepted");
    expect(ask({ ...listed, expiresAt: now - 1 })).toMatchObject({ status: "Expired", reason: "expired" });
  });

  test("nothing expires while the clock is not trusted", () => {
    expect(ask({ ...listed, expiresAt: 1 }, { atMs: undefined }).status).toBe("Accepted");
  });

  test("a blocked token is blocked, whatever else it is and whatever the clock says", () => {
    const token: Token = { ...listed, status: "Blocked", expiresAt: 1, master: true };
    for (const atMs of [now, undefined]) expect(ask(token, { atMs }).status).toBe("Blocked");
    expect(ask(token, { unknownToken: "allow" }).status).toBe("Blocked");
  });

  test("a master token starts nothing, but the reader may know it; expiry comes first", () => {
    const master = { ...listed, master: true };
    expect(ask(master)).toMatchObject({ status: "Invalid", reason: "master-cannot-start" });
    expect(ask(master, { purpose: "authorize" }).status).toBe("Accepted");
    expect(ask({ ...master, expiresAt: now - 1 }).status).toBe("Expired");
  });

  test("an unknown token gets what the site says", () => {
    expect(ask(undefined)).toEqual({ status: "Unknown", reason: "unknown-denied" });
    expect(ask(undefined, { unknownToken: "allow" })).toEqual({
      status: "Accepted",
      reason: "unknown-allowed",
    });
    expect(ask({ ...listed, expiresAt: 1 }, { unknownToken: "allow" }).status).toBe("Expired");
  });
});

describe("may this token stop that transaction?", () => {
  const startedBy = { idToken: "TAG", groupId: "G" };
  const stop = (idToken: string, token?: Partial<Token>) =>
    decideStop({ startedBy, idToken, token: token && { status: "Accepted", ...token } });

  test("the one that started it may, even when it is blocked or unknown by now", () => {
    expect(stop("TAG")).toMatchObject({ status: "Accepted", reason: "same-token" });
    expect(stop("TAG", { status: "Blocked" }).status).toBe("Accepted");
    expect(stop("tag")).toMatchObject({ status: "Accepted", reason: "same-token" });
  });

  test("TC_C_39 authorization by GroupId: another token of the group may", () => {
    expect(stop("OTHER", { groupId: "G" })).toMatchObject({
      status: "Accepted",
      reason: "same-group",
      groupId: "G",
    });
    expect(stop("OTHER", { groupId: "H" })).toMatchObject({ status: "Invalid", reason: "not-its-token" });
  });

  test("TC_C_49 stop transaction with a master pass: it may stop every one, unless it is blocked", () => {
    expect(stop("MASTER", { master: true })).toMatchObject({ status: "Accepted", reason: "master" });
    expect(stop("MASTER", { master: true, status: "Blocked" }).status).toBe("Blocked");
  });

  test("a stranger may not; no group is not a group", () => {
    expect(stop("OTHER").status).toBe("Invalid");
    const nobody = { idToken: undefined, groupId: undefined };
    expect(decideStop({ startedBy: nobody, idToken: "TAG", token: listed }).status).toBe("Invalid");
  });
});

test("every question has one answer with a stable reason", () => {
  const token = fc.option(
    fc.record({
      status: fc.constantFrom("Accepted" as const, "Blocked" as const),
      expiresAt: fc.integer(),
      master: fc.boolean(),
    }),
    { nil: undefined },
  );
  const question = fc.record({
    token,
    unknownToken: fc.constantFrom("allow" as const, "deny" as const),
    purpose: fc.constantFrom("authorize" as const, "start" as const),
    atMs: fc.option(fc.integer(), { nil: undefined }),
  });
  fc.assert(
    fc.property(question, (q) => {
      const { status, reason } = decideAuthorize({ ...situation, ...q });
      expect(reason).toMatch(/^[a-z-]+$/);
      if (q.token?.status === "Blocked") expect(status).toBe("Blocked");
      if (status === "Accepted" && q.token?.master === true) expect(q.purpose).toBe("authorize");
    }),
  );
});
