/**
 * Which tariff holds for a transaction: one rule, for the site that shows the price and the cloud that bills it.
 *
 * Pure. First match wins: the token's group → the station → its site → the operator's default. What counts is what
 * was assigned, and which version was valid, when the transaction began. An assignment whose tariff has no valid
 * version then holds nobody up: the next one counts.
 */
import type { TariffVersion } from "../tariff.ts";

/** For whom a tariff holds; exactly one of them, or nothing: for everybody. */
export type TariffTarget = { groupId?: string; stationId?: string; siteId?: string };

/** Times are Unix ms; `until` exclusive. */
export type TariffAssignment = TariffTarget & { tariffId: string; from: number; until?: number };

export type TariffBook = {
  versions: readonly TariffVersion[];
  assignments: readonly TariffAssignment[];
};

export type TariffQuestion = {
  groupId?: string | undefined;
  stationId: string;
  siteId: string;
  /** Start of the transaction. */
  atMs: number;
};

export type TariffBasis = "group" | "station" | "site" | "operator";

/**
 * The version that is valid at a moment: the highest that has begun and not ended. So what ends, as prices of a
 * weekend do, gives way to what held before it.
 */
export function versionAt(
  versions: readonly TariffVersion[],
  tariffId: string,
  atMs: number,
): TariffVersion | undefined {
  let found: TariffVersion | undefined;
  for (const version of versions) {
    const { validFrom, validTo = Infinity } = version;
    if (version.tariffId !== tariffId || validFrom > atMs || validTo <= atMs) continue;
    if (found === undefined || version.version > found.version) found = version;
  }
  return found;
}

const ORDER: readonly TariffBasis[] = ["group", "station", "site", "operator"];

const basisOf = (target: TariffTarget): TariffBasis =>
  target.groupId !== undefined
    ? "group"
    : target.stationId !== undefined
      ? "station"
      : target.siteId !== undefined
        ? "site"
        : "operator";

const holdsFor = (target: TariffTarget, { groupId, stationId, siteId }: TariffQuestion): boolean => {
  if (target.groupId !== undefined) return target.groupId === groupId;
  if (target.stationId !== undefined) return target.stationId === stationId;
  return target.siteId === undefined || target.siteId === siteId;
};

export function chooseTariff(
  book: TariffBook,
  question: TariffQuestion,
): { version: TariffVersion; basis: TariffBasis } | undefined {
  const { atMs } = question;
  for (const basis of ORDER) {
    for (const assignment of book.assignments) {
      const { tariffId, from, until = Infinity } = assignment;
      if (basisOf(assignment) !== basis || from > atMs || until <= atMs) continue;
      if (!holdsFor(assignment, question)) continue;
      const version = versionAt(book.versions, tariffId, atMs);
      if (version !== undefined) return { version, basis };
    }
  }
  return undefined;
}
