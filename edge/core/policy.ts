/**
 * The site's rules: taking a policy, knowing how old it is, deciding from it.
 *
 * Invariants: a policy is used only when a trusted key has signed it for this site, and never an older one
 * after a newer one, by the time of its issue. The age counts from the cloud's last word that this policy is
 * its current one; while the clock is not trusted it counts by uptime, which no wrong clock can hurt.
 */
import {
  decideAuthorize,
  freshnessOf,
  type Decision,
  type Freshness,
  type UnknownUse,
} from "../../shared/decide/authorize.ts";
import { NO_TOKENS, packTokens } from "../../shared/decide/token-set.ts";
import type { DecisionBasis } from "../../shared/entry.ts";
import { AppError, describeError } from "../../shared/errors.ts";
import { given } from "../../shared/given.ts";
import { openPolicy, Policy, POLICY_DEFAULTS, tokenKey, type SignedPolicy } from "../../shared/policy.ts";
import { checkWire } from "../../shared/wire.ts";
import { knowsTime, trustedTime } from "./clock.ts";
import { bestTime, log, record, type Context } from "./context.ts";
import type { Live, State } from "./types.ts";

const DAY_MS = 86_400_000;
const USED_HERE_MS = 90 * DAY_MS;

export function usePolicy(live: Live, policy: Policy): void {
  const { tokens, ...rules } = policy;
  live.policy = rules;
  live.tokens = packTokens(policy.salt, tokens);
  live.stationRules = new Map((policy.stations ?? []).map((station) => [station.stationId, station]));
  live.recent = new Set(policy.recent.map(({ idToken }) => tokenKey(idToken)));
}

export const noPolicy = (): Pick<Live, "policy" | "tokens" | "recent" | "stationRules"> => ({
  policy: undefined,
  tokens: NO_TOKENS,
  recent: new Set(),
  stationRules: new Map(),
});

/** Opens, checks and takes a policy. Replaced whole; what is not to be trusted changes nothing. */
export function onPolicy(context: Context, signed: SignedPolicy): void {
  const { state, out } = context;
  const { live, identity } = state;
  if (signed.version === state.durable.policyVersion && live.policy !== undefined) {
    live.policySyncedUpMs = context.now.upMs;
    return;
  }
  let policy: Policy;
  try {
    policy = checkWire(Policy, openPolicy(signed, trustedKeys(state)));
    if (policy.siteId !== identity.siteId)
      throw new AppError("POLICY_UNTRUSTED", `the policy is that of site ${policy.siteId}`);
    if (live.policy !== undefined && policy.issuedAt < live.policy.issuedAt)
      throw new AppError("POLICY_UNTRUSTED", "the policy was issued before the one in use");
  } catch (error) {
    log(context, "error", "a policy is not used", {
      version: signed.version,
      reason: describeError(error),
      ...given("hint", error instanceof AppError ? error.hint : undefined),
    });
    return;
  }
  rememberKeys(context, [signed.publicKey, ...(policy.trustKeys ?? [])]);
  usePolicy(live, policy);
  live.policySyncedUpMs = context.now.upMs;
  out.docs.push({ key: "policy", value: policy });
  record(context, { kind: "policy.applied", version: policy.version });
}

/** Configured keys alone, where there are some; else those that came first, and whom they vouched for. */
function trustedKeys(state: State): string[] {
  const { policyKey } = state.identity;
  return [...(policyKey === undefined ? [] : [policyKey]), ...state.live.policyKeys];
}

function rememberKeys(context: Context, keys: readonly string[]): void {
  const { live, identity } = context.state;
  const known = new Set(live.policyKeys);
  const fresh = [...new Set(keys)].filter((key) => !known.has(key) && key !== identity.policyKey);
  if (fresh.length === 0) return;
  if (known.size === 0 && identity.policyKey === undefined)
    log(context, "warn", "the first policy has come: its key is trusted from now on", { key: fresh[0] });
  // The newest few: a key that is never used again need not be trusted for ever.
  live.policyKeys = [...live.policyKeys, ...fresh].slice(-4);
  context.out.docs.push({ key: "policy-keys", value: live.policyKeys });
}

/** The cloud has told which policy is the site's. */
export function onPolicyVersion(context: Context, version: number | undefined): void {
  const { live, durable } = context.state;
  if (version !== undefined && version === durable.policyVersion && live.policy !== undefined)
    live.policySyncedUpMs = context.now.upMs;
}

/** Milliseconds since the cloud said that this policy is its current one; undefined: it never did. */
export function policyAgeMs(context: Context): number | undefined {
  const { live, durable } = context.state;
  if (live.policySyncedUpMs !== undefined) return context.now.upMs - live.policySyncedUpMs;
  if (durable.policySyncedAt === 0) return undefined;
  if (!knowsTime(context))
    return Math.max(0, live.lastAtBeforeBoot - durable.policySyncedAt) + context.now.upMs;
  return Math.max(0, bestTime(context) - durable.policySyncedAt);
}

export function freshness(context: Context): Freshness {
  const ageMs = policyAgeMs(context);
  return freshnessOf(context.state.live.policy, ageMs === undefined ? undefined : Math.trunc(ageMs / 1_000));
}

/** The site's own decision on a token that wants to charge. `transactionId`: one that is its own already. */
export function decideLocally(
  context: Context,
  stationId: string,
  idToken: string,
  purpose: "authorize" | "start",
  transactionId?: string,
): Decision {
  const { live, durable, identity } = context.state;
  const key = tokenKey(idToken);
  const running = [...durable.transactions.values()].filter(
    (t) => t.idToken !== undefined && tokenKey(t.idToken) === key && t.transactionId !== transactionId,
  ).length;
  const rule = live.policy?.unknownCap ?? POLICY_DEFAULTS.unknownCap;
  return decideAuthorize({
    token: live.tokens.find(idToken),
    unknownToken: live.policy?.unknownToken ?? identity.unknownToken,
    unknownCap: { rule, used: unknownUse(context, key) },
    purpose,
    stationId,
    running,
    freshness: freshness(context),
    usedHere: usedHere(context, key),
    atMs: trustedTime(context),
  });
}

/**
 * What the site must refuse although the token is good: no room is left to keep account of a new transaction.
 * Who has one running already is let in, to end it.
 */
export function refuseForWantOfRoom(context: Context, idToken: string): Decision | undefined {
  const { live, durable } = context.state;
  if (live.pressure !== "refuse") return undefined;
  const key = tokenKey(idToken);
  for (const { idToken: other } of durable.transactions.values())
    if (other !== undefined && tokenKey(other) === key) return undefined;
  return { status: "NotAtThisTime", reason: "journal-full" };
}

function usedHere(context: Context, key: string): boolean {
  const { live, durable } = context.state;
  if (live.recent.has(key)) return true;
  const at = durable.tokenUse.get(key)?.at;
  return at !== undefined && bestTime(context) - at < USED_HERE_MS;
}

function unknownUse(context: Context, key: string): UnknownUse {
  const use = { startsOfToken: 0, energyAtRiskWh: 0 };
  for (const start of context.state.durable.unknownStarts) {
    if (bestTime(context) - start.at >= DAY_MS) continue;
    use.energyAtRiskWh += start.energyWh;
    if (start.key === key) use.startsOfToken += 1;
  }
  return use;
}

/** What the journal keeps of a decision. */
export function basisOf(context: Context, decision: Decision, told: boolean): DecisionBasis {
  return {
    status: decision.status,
    reason: decision.reason,
    ...(told ? {} : { freshness: freshness(context), policyVersion: context.state.durable.policyVersion }),
    ...given("cap", decision.cap),
  };
}
