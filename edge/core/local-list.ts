/**
 * Stations' own lists: which tokens a station should hold, and the next call that brings it closer to that.
 *
 * Level, not edge: what it should hold is compared with what it is known to hold. Of that only hashes are
 * kept: twelve characters per token, whatever its name. A list grows by parts: first a full one, then
 * differences, each within what the station takes at once. Pure; nothing here remembers.
 */
import { hash as digest } from "node:crypto";
import { revokedReason } from "../../shared/decide/authorize.ts";
import type { TokenSet } from "../../shared/decide/token-set.ts";
import type { Protocol } from "../../shared/entry.ts";
import { given } from "../../shared/given.ts";
import { LOCAL_LIST_ENTRIES_MAX } from "../../shared/limits.ts";
import type { ListEntry, ListUpdate } from "../../shared/ocpp/upkeep.ts";
import { ID_TAG_LENGTH_MAX } from "../../shared/ocpp/upkeep-v16.ts";
import { tokenKey, type PolicyToken, type UnknownTokenRule } from "../../shared/policy.ts";

/** A token by name, and when it was last used here. */
export type Use = { idToken: string; type?: string; at: number };

/** An entry of a list. `record`: what is kept of it once the station has it. */
export type Listed = ListEntry & { at: number; record: string; stations?: readonly string[] };

/** What the lists of a site should hold, before a station's scope and limits. */
/** Versions whose lists are of one form. */
type Family = "ocpp1.6" | "ocpp2.0.1";
const familyOf = (protocol: Protocol): Family => (protocol === "ocpp1.6" ? protocol : "ocpp2.0.1");

export type Wanted = {
  /** Newest use first. */
  tokens: Record<Family, Listed[]>;
  /** Names by their hash, for tokens that have to leave a list. */
  names: ReadonlyMap<string, Use>;
  /** Where unknown tokens may charge, one that may not has to be listed as such. */
  listsRefused: boolean;
};

/** What a station is known to hold: records side by side. */
export type Held = string;

const NAME_CHARS = 8;
const RECORD_CHARS = 12;
const DAY_MS = 86_400_000;
const VERSION_MAX = 2 ** 31 - 2;

const hash = (content: string, chars: number): string =>
  digest("sha256", content, "base64url").slice(0, chars);

const nameHash = (idToken: string): string => hash(tokenKey(idToken), NAME_CHARS);

const dayOf = ({ at }: Listed): number => Math.floor(at / DAY_MS);

const contentHash = ({ status, groupId, expiresAt }: ListEntry): string =>
  hash(`${status ?? ""}|${groupId ?? ""}|${expiresAt ?? ""}`, RECORD_CHARS - NAME_CHARS);

/** What is kept of an entry: who, and what was said of it. */
export const recordOf = (entry: ListEntry): string => nameHash(entry.idToken) + contentHash(entry);

const nameIn = (record: string): string => record.slice(0, NAME_CHARS);

function decode(held: Held): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at + RECORD_CHARS <= held.length; at += RECORD_CHARS) {
    const record = held.slice(at, at + RECORD_CHARS);
    records.set(nameIn(record), record);
  }
  return records;
}

/** What the station holds after it has taken an update. */
export function applyUpdate(held: Held | undefined, { update, entries }: ListUpdate): Held {
  const records = update === "Full" || held === undefined ? new Map<string, string>() : decode(held);
  for (const entry of entries) {
    const record = recordOf(entry);
    const name = nameIn(record);
    if (entry.status === undefined) records.delete(name);
    else records.set(name, record);
  }
  return [...records.values()].join("");
}

export const heldCount = (held: Held): number => Math.floor(held.length / RECORD_CHARS);

/**
 * @param uses tokens used at the site; of one that is there twice the later use counts.
 * @param atMs time that expiry may be asked of.
 */
export function wantedTokens(
  uses: Iterable<Use>,
  find: TokenSet["find"],
  unknownToken: UnknownTokenRule,
  atMs: number | undefined,
): Wanted {
  const latest = new Map<string, Use>();
  for (const use of uses) {
    const key = tokenKey(use.idToken);
    const before = latest.get(key);
    if (before === undefined || before.at < use.at)
      latest.set(key, { ...use, ...given("type", use.type ?? before?.type) });
  }
  const newestFirst = [...latest.values()].sort((a, b) => b.at - a.at);
  const names = new Map<string, Use>();
  const tokens: Wanted["tokens"] = { "ocpp1.6": [], "ocpp2.0.1": [] };
  const listsRefused = unknownToken !== "deny";
  for (const use of newestFirst) {
    const name = nameHash(use.idToken);
    names.set(name, use);
    if (tokens["ocpp2.0.1"].length >= 2 * LOCAL_LIST_ENTRIES_MAX) continue;
    const token = find(use.idToken);
    if (token === undefined) continue;
    const entry = entryOf(use, token, atMs);
    if (entry.status !== "Accepted" && !listsRefused) continue;
    const record = name + contentHash(entry);
    const listed = { ...entry, at: use.at, record, ...given("stations", token.stations) };
    tokens["ocpp2.0.1"].push(listed);
    if (use.idToken.length <= ID_TAG_LENGTH_MAX) tokens["ocpp1.6"].push(forOcpp16(listed));
  }
  return { tokens, names, listsRefused };
}

function entryOf(use: Use, token: Omit<PolicyToken, "hash">, atMs: number | undefined): ListEntry {
  const { idToken, type } = use;
  const { stations: _scope, ...anywhere } = token;
  const refused = revokedReason(anywhere, "", atMs)?.status;
  // A master token starts nothing; whom it may stop, only the ER can tell.
  const status = refused ?? (token.master === true ? "Invalid" : "Accepted");
  return {
    ...{ idToken, status: status as NonNullable<ListEntry["status"]> },
    ...given("type", type),
    ...given("groupId", token.groupId),
    ...given("expiresAt", token.expiresAt),
  };
}

/** A group whose name is too long for this version is not told. */
function forOcpp16(listed: Listed): Listed {
  if (listed.groupId === undefined || listed.groupId.length <= ID_TAG_LENGTH_MAX) return listed;
  const { groupId: _tooLong, ...rest } = listed;
  return { ...rest, record: recordOf(rest) };
}

/** Whether a token that is wanted in the lists now, is wanted otherwise or not at all afterwards. */
export function takesBack(before: Wanted, after: Wanted): boolean {
  if (before.listsRefused !== after.listsRefused) return true;
  const now = scopedRecords(after);
  return [...scopedRecords(before).keys()].some((record) => !now.has(record));
}

/** Whether both want the same: the same entries, last used on the same days. */
export function sameWanted(before: Wanted, after: Wanted): boolean {
  const [was, is] = [scopedRecords(before), scopedRecords(after)];
  return was.size === is.size && [...was].every(([record, day]) => is.get(record) === day);
}

/** Every entry with its scope, and the day of its last use. */
function scopedRecords({ tokens }: Wanted): Map<string, number> {
  return new Map(
    tokens["ocpp2.0.1"].map((listed) => [
      listed.record + (listed.stations === undefined ? "" : JSON.stringify(listed.stations)),
      dayOf(listed),
    ]),
  );
}

/** What a station can take. */
export type ListLimits = { entriesMax: number; itemsMax: number; bytesMax: number };

/**
 * The next update that brings a station closer to what it should hold.
 * @param held what it is known to hold; undefined: unknown.
 * @param version of its list; 0: it has none.
 */
export function planList(
  wanted: Wanted,
  station: { stationId: string; protocol: Protocol },
  held: Held | undefined,
  version: number,
  limits: ListLimits,
): ListUpdate | undefined {
  const has = decode(held ?? "");
  const target = cut(tokensFor(wanted, station.stationId, station.protocol), has, limits.entriesMax);
  const next = version >= VERSION_MAX ? 1 : version + 1;
  const part = (update: ListUpdate["update"], entries: ListEntry[]): ListUpdate => ({
    ...{ update, version: next },
    entries: firstPart(entries, limits),
  });
  if (held === undefined) return part("Full", target);
  const names = new Set(target.map(({ record }) => nameIn(record)));
  const gone = [...has.keys()].filter((name) => !names.has(name));
  const removed = gone.flatMap((name) => {
    const use = wanted.names.get(name);
    return use === undefined ? [] : [{ idToken: use.idToken, ...given("type", use.type) }];
  });
  const changed = target.filter(({ record }) => {
    const before = has.get(nameIn(record));
    return before !== undefined && before !== record;
  });
  const added = target.filter(({ record }) => !has.has(nameIn(record)));
  if (gone.length + changed.length + added.length === 0) return undefined;
  const full =
    // Nobody knows by which name it could be removed.
    removed.length < gone.length ||
    version === 0 ||
    gone.length + changed.length > Math.max(limits.itemsMax, target.length / 2);
  if (full) return part("Full", target);
  return part("Differential", [...removed, ...refusedFirst(changed), ...refusedFirst(added)]);
}

const refusedFirst = (entries: Listed[]): Listed[] => [
  ...entries.filter(({ status }) => status !== "Accepted"),
  ...entries.filter(({ status }) => status === "Accepted"),
];

function tokensFor(wanted: Wanted, stationId: string, protocol: Protocol): Listed[] {
  return wanted.tokens[familyOf(protocol)].flatMap((listed) => {
    if (listed.stations === undefined || listed.stations.includes(stationId)) return [listed];
    if (!wanted.listsRefused) return [];
    const elsewhere = listed.status === "Accepted" ? { ...listed, status: "Invalid" as const } : listed;
    return [{ ...elsewhere, record: recordOf(elsewhere) }];
  });
}

/**
 * The tokens used last. Within a day those that the station holds already come first, so that a list that is
 * full is not rewritten with every car.
 */
function cut(tokens: Listed[], has: ReadonlyMap<string, string>, max: number): Listed[] {
  if (tokens.length <= max) return tokens;
  const chosen: Listed[] = [];
  for (let from = 0; from < tokens.length && chosen.length < max;) {
    const day = dayOf(tokens[from] as Listed);
    let to = from;
    while (to < tokens.length && dayOf(tokens[to] as Listed) === day) to++;
    const ofDay = tokens.slice(from, to);
    const isHeld = ({ record }: Listed) => has.has(nameIn(record));
    chosen.push(...ofDay.filter(isHeld), ...ofDay.filter((listed) => !isHeld(listed)));
    from = to;
  }
  return chosen.slice(0, max);
}

/** Around names and values on the wire, at most. */
const ENTRY_BYTES = 160;
const CALL_BYTES = 200;

function firstPart(entries: ListEntry[], { itemsMax, bytesMax }: ListLimits): ListEntry[] {
  let bytes = CALL_BYTES;
  const part: ListEntry[] = [];
  for (const entry of entries) {
    bytes += ENTRY_BYTES + entry.idToken.length + (entry.groupId?.length ?? 0);
    if (part.length > 0 && (bytes > bytesMax || part.length >= itemsMax)) break;
    part.push(entry);
  }
  return part;
}
