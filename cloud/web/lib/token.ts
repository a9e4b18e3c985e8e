/** A token between the API and the form where a person types it. Pure. */
import type { IdTokenPatch, IdTokenView, NewIdToken } from "../../api/rule-schemas.ts";

/** What stands in the form: text as typed; empty is not given. */
export type TokenDraft = {
  idToken: string;
  label: string;
  type: string;
  groupId: string;
  /** A day, `YYYY-MM-DD`: the last one on which it is valid, where the person sits. */
  expiresOn: string;
  master: boolean;
  trusted: boolean;
  maxConcurrent: string;
  maxEnergyKwh: string;
  /** Null: everywhere. */
  siteIds: readonly string[] | null;
  /** Names of stations with commas between them; empty: all of those sites. */
  stations: string;
};

/** `YYYY-MM-DD` of an instant, where the person sits. */
function dayOf(at: string): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The form of a token that is known, or of a new one. */
export const draftOf = (token: IdTokenView | null): TokenDraft => ({
  idToken: token?.idToken ?? "",
  label: token?.label ?? "",
  type: token?.type ?? "ISO14443",
  groupId: token?.groupId ?? "",
  expiresOn: token === null || token.expiresAt === null ? "" : dayOf(token.expiresAt),
  master: token?.master ?? false,
  trusted: token?.trusted ?? false,
  maxConcurrent: String(token?.maxConcurrent ?? ""),
  maxEnergyKwh: token === null || token.maxEnergyWh === null ? "" : String(token.maxEnergyWh / 1_000),
  siteIds: token?.siteIds ?? null,
  stations: (token?.stationIds ?? []).join(", "),
});

/** Everything that may change about a token; null is: not any more. */
function fieldsOf(draft: TokenDraft) {
  const stationIds = draft.stations
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  return {
    label: draft.label.trim() || null,
    groupId: draft.groupId.trim() || null,
    expiresAt: draft.expiresOn === "" ? null : new Date(`${draft.expiresOn}T23:59:59`).toISOString(),
    master: draft.master,
    trusted: draft.trusted,
    maxConcurrent: draft.maxConcurrent === "" ? null : Math.round(Number(draft.maxConcurrent)),
    maxEnergyWh: draft.maxEnergyKwh === "" ? null : Math.round(Number(draft.maxEnergyKwh) * 1_000),
    siteIds: draft.siteIds === null ? null : [...draft.siteIds],
    stationIds: stationIds.length === 0 ? null : stationIds,
  };
}

/** What is said about a new token: nothing about what was left empty. */
export function newTokenOf(draft: TokenDraft): NewIdToken {
  const given = Object.entries(fieldsOf(draft)).filter(([, value]) => value !== null && value !== false);
  return { idToken: draft.idToken.trim(), type: draft.type, ...(Object.fromEntries(given) as object) };
}

/** What a person changed about a token: an instant is not touched by showing its day. */
export function tokenPatchOf(draft: TokenDraft, token: IdTokenView): IdTokenPatch {
  const before = fieldsOf(draftOf(token)) as Record<string, unknown>;
  const changed = Object.entries(fieldsOf(draft)).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]),
  );
  return Object.fromEntries(changed);
}
