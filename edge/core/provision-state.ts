/**
 * What a station was given for the time without the ER, and what it said of itself: folded from the answers to
 * our upkeep calls, so that an ER that starts again repeats nothing.
 *
 * A new object at every change: whoever looks can tell by identity. A boot makes the knowledge old: settings and
 * the version of the list are read again, what the station holds is believed when the version is still ours.
 */
import type { EntryOf } from "../../shared/entry.ts";
import { given } from "../../shared/given.ts";
import { LOCAL_LIST_LINGER_MS, PROVISION_REFUSED_BOOT_MS, PROVISION_REREAD_MS } from "../../shared/limits.ts";
import { readHandled } from "../../shared/ocpp/read-call.ts";
import {
  DEFAULT_PROFILE,
  LOCAL_LIST,
  OFFLINE_KEYS,
  readUpkeep,
  type Setting,
  type UpkeepAnswer,
} from "../../shared/ocpp/upkeep.ts";
import { readListLimit } from "../../shared/ocpp/upkeep-v201.ts";
import { applyUpdate, heldCount, type Held, type Wanted } from "./local-list.ts";
import type { StationState } from "./types.ts";

/** What may be refused: a setting, the list, the profile. */
export type Refusable = Setting | "list" | "profile";

export type Provision = {
  /** Wall time when the settings began to be read. */
  readAt: number;
  /** Without a value: the station has none. Absent: not read yet. */
  settings: { [S in Setting]?: { value?: string; readOnly?: boolean } };
  /** What it refused, and when. */
  refused: { [R in Refusable]?: { value: string; at: number } };
  list: {
    /** The version was read, or written, since the last boot. */
    checked: boolean;
    version: number;
    /** Absent: unknown. */
    held?: Held;
    /** As the station reported (2.0.1), or as was found when it refused a longer one. */
    entriesMax?: number;
    limitAsked?: boolean;
    conflictAt?: number;
  };
  /** `checked`: set since the last boot. Without a limit: none of ours. */
  profile: { checked: boolean; limitA?: number };
};

export type Purpose = "alone" | "template";

/** Live: what is wanted, and what has been looked at. */
export type Provisioning = {
  lookedUpMs: number;
  wanted: { list: Wanted; policy: object; takenUpMs: number } | undefined;
  stations: Map<
    string,
    {
      /** As long as all of these are as they are here, nothing is to be done before this time. */
      settled?: {
        connectionId: number;
        policy: object;
        list: Wanted;
        provision: Provision | undefined;
        make: object | undefined;
        configuration: object | undefined;
        untilUpMs: number;
      };
      /** The last calls on this connection: for the time without us, and for templates. */
      asked: { [P in Purpose]?: { connectionId: number; digest: string; upMs: number } };
    }
  >;
};

export const NO_PROVISION: Provision = {
  readAt: 0,
  settings: {},
  refused: {},
  list: { checked: false, version: 0 },
  profile: { checked: false },
};

/** A list that is refused although it is this short is not refused for its length. */
const SHORT_LIST = 8;

const CAUSES = new Set([LOCAL_LIST, OFFLINE_KEYS, DEFAULT_PROFILE]);

export function foldUpkeep(station: StationState, entry: EntryOf<"ocpp.called">): void {
  if (!CAUSES.has(entry.cause ?? "") || entry.response === undefined) return;
  const [, , action, request] = JSON.parse(entry.request) as [number, string, string, unknown];
  const [type, , response] = JSON.parse(entry.response) as [number, string, unknown];
  const answer = readUpkeep(entry.protocol, action, request, type === 3 ? response : undefined);
  if (answer !== undefined) station.provision = learn(station.provision ?? NO_PROVISION, answer, entry.at);
}

function learn(before: Provision, answer: UpkeepAnswer, at: number): Provision {
  switch (answer.kind) {
    case "settings-read":
      return learnSettings(before, answer, at);
    case "settings-written": {
      const settings = { ...before.settings };
      let after = before;
      for (const { setting, value, accepted } of answer.settings) {
        if (accepted) settings[setting] = { value };
        after = accepted ? allow(after, setting) : refuse(after, setting, value, at);
      }
      return { ...after, settings };
    }
    case "list-version": {
      const { version } = answer;
      if (version === undefined) return refuse(before, "list", "", at);
      const { held: known, ...list } = before.list;
      const held = version === 0 ? "" : version === list.version ? known : undefined;
      return { ...before, list: { ...list, checked: true, version, ...given("held", held) } };
    }
    case "list-limit-asked":
      return { ...before, list: { ...before.list, limitAsked: true } };
    case "list-sent":
      return learnList(before, answer, at);
    case "default-profile": {
      const { accepted, limitA } = answer;
      if (!accepted) return refuse(before, "profile", String(limitA), at);
      return { ...allow(before, "profile"), profile: { checked: true, ...given("limitA", limitA) } };
    }
  }
}

function refuse(before: Provision, what: Refusable, value: string, at: number): Provision {
  return { ...before, refused: { ...before.refused, [what]: { value, at } } };
}

function allow(before: Provision, what: Refusable): Provision {
  const { [what]: _allowed, ...refused } = before.refused;
  return { ...before, refused };
}

function learnSettings(
  before: Provision,
  answer: Extract<UpkeepAnswer, { kind: "settings-read" }>,
  at: number,
): Provision {
  const anew = isOld(before, at);
  const settings = anew ? {} : { ...before.settings };
  for (const { setting, ...told } of answer.settings) settings[setting] = told;
  return { ...before, settings, readAt: anew ? at : before.readAt };
}

/** What was read is too old to be relied on. */
export const isOld = ({ readAt }: Provision, at: number): boolean =>
  Math.abs(at - readAt) > PROVISION_REREAD_MS;

function learnList(
  before: Provision,
  answer: Extract<UpkeepAnswer, { kind: "list-sent" }>,
  at: number,
): Provision {
  const { held: known, ...list } = before.list;
  const held = applyUpdate(known, answer);
  switch (answer.status) {
    case "accepted": {
      const { version } = answer;
      return { ...allow(before, "list"), list: { ...list, checked: true, version, held } };
    }
    case "unsupported":
      return refuse(before, "list", "", at);
    case "mismatch":
      // Somebody else has written it. A full list fits every version.
      return answer.update === "Full"
        ? refuse(before, "list", "", at)
        : { ...before, list: { ...list, checked: false } };
    case "failed": {
      const count = heldCount(held);
      if (count < SHORT_LIST) return refuse(before, "list", "", at);
      return { ...before, list: { ...list, entriesMax: Math.floor(count / 2) } };
    }
  }
}

/** The station has started again: it may have lost what it had, or learnt what it could not. */
export function foldBoot(station: StationState, at: number): void {
  const before = station.provision;
  if (before === undefined) return;
  const { version, held, conflictAt } = before.list;
  const recent = Object.entries(before.refused).filter(
    ([, refusal]) => Math.abs(at - refusal.at) < PROVISION_REFUSED_BOOT_MS,
  );
  station.provision = {
    ...{ readAt: 0, settings: {}, refused: Object.fromEntries(recent) },
    list: { checked: false, version, ...given("held", held), ...given("conflictAt", conflictAt) },
    profile: { ...before.profile, checked: false },
  };
}

/** The station finds that its list and our answers disagree: it gets a full one, now and then. */
export function foldListConflict(station: StationState, at: number): void {
  const before = station.provision;
  if (before === undefined) return;
  const { held: _doubtful, conflictAt, ...list } = before.list;
  if (conflictAt !== undefined && Math.abs(at - conflictAt) < LOCAL_LIST_LINGER_MS) return;
  station.provision = { ...before, list: { ...list, conflictAt: at } };
}

/** OCPP 2.0.1: a report may tell how long the list can be. */
export function foldReport(station: StationState, entry: EntryOf<"ocpp.handled">): void {
  const before = station.provision;
  if (before === undefined) return;
  const { payload } = readHandled(entry.protocol, entry.request, entry.flags);
  const entriesMax = readListLimit(payload);
  if (entriesMax !== undefined) station.provision = { ...before, list: { ...before.list, entriesMax } };
}
