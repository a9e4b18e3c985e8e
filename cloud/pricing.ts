/**
 * What a transaction costs, from the tables: its tariff as it was at the start, its course, its price. And which
 * tariff holds at a place.
 *
 * It reads and never writes: what is billed is written down by whoever bills. Everything runs on the connection that
 * is handed in, so that a bill sees what it bills.
 */
import { chooseTariff, type TariffBasis } from "../shared/decide/tariff-choice.ts";
import { priceTransaction, type Price, type PriceFlag, type Timeline } from "../shared/decide/tariff.ts";
import type { TariffTerms } from "../shared/tariff.ts";
import { timelineOf } from "./core/pricing.ts";
import type { Queryable } from "./db/pool.ts";
import { readBook } from "./tariff-book.ts";
import {
  momentsOf,
  toTransaction,
  TRANSACTION_COLUMNS,
  type TransactionRow,
} from "./api/transaction-view.ts";

/** More readings than a week of one in ten seconds are not looked at: the last register counts all the same. */
const SAMPLES_MAX = 65_000;

export type ChosenTariff = {
  tariffId: string;
  version: number;
  name: string;
  terms: TariffTerms;
  /** What it was assigned to, of what holds here. */
  assignedBy: TariffBasis;
};

/** `offer`: a guest was shown it before paying. `shown`: by the site, which did not know better, when it began. */
type AgreedTariff = Omit<ChosenTariff, "assignedBy"> & { assignedBy: TariffBasis | "offer" | "shown" };

export type TariffPlace = {
  operatorId: string;
  siteId: string;
  stationId: string;
  /** Its group counts, where it is known and in one. */
  idToken?: string | undefined;
  groupId?: string | undefined;
  /** Unix ms: the start of the transaction. */
  atMs: number;
};

async function groupOf(db: Queryable, { operatorId, idToken }: TariffPlace): Promise<string | undefined> {
  if (idToken === undefined) return undefined;
  const { rows } = await db.query<{ group_id: string | null }>(
    "select group_id from id_token where operator_id = $1 and token_key = lower($2)",
    [operatorId, idToken],
  );
  return rows[0]?.group_id ?? undefined;
}

/** The tariff that holds for a transaction that starts there then; undefined: none does, it costs nothing. */
export async function tariffFor(db: Queryable, place: TariffPlace): Promise<ChosenTariff | undefined> {
  const { operatorId, siteId, stationId, atMs } = place;
  const groupId = place.groupId ?? (await groupOf(db, place));
  const targets = ["operator", `site:${siteId}`, `station:${stationId}`];
  if (groupId !== undefined) targets.push(`group:${groupId}`);
  const book = await readBook(db, operatorId, siteId, atMs, targets);
  const chosen = chooseTariff(book, { groupId, siteId, stationId, atMs });
  if (chosen === undefined) return undefined;
  const { tariffId, version, terms } = chosen.version;
  const { rows } = await db.query<{ name: string }>("select name from tariff where tariff_id = $1", [
    tariffId,
  ]);
  return { tariffId, version, name: rows[0]?.name ?? "", terms, assignedBy: chosen.basis };
}

/** What a guest was shown before paying holds for what that guest charges, whatever holds there by then. */
async function offeredTariff(
  db: Queryable,
  operatorId: string,
  idToken: string | null,
): Promise<AgreedTariff | undefined> {
  if (idToken === null) return undefined;
  const { rows } = await db.query<{ tariff_id: string; version: number; name: string; terms: TariffTerms }>(
    `select v.tariff_id, v.version, t.name, v.terms from guest_session g
     join tariff_version v on v.tariff_id = g.tariff_id::uuid and v.version = g.tariff_version
     join tariff t on t.tariff_id = v.tariff_id
     where g.operator_id = $1 and g.id_token_key = lower($2)`,
    [operatorId, idToken],
  );
  const [row] = rows;
  return row && { ...row, tariffId: row.tariff_id, assignedBy: "offer" };
}

type Told = { tariffId: string; version: number };

/**
 * What an ER has told that it showed, if it can have held there by what the site may have known: it is of this
 * operator, had begun, and was assigned to something that the place is part of, or to a group. Sites are told of
 * milliseconds: within the one in which it began, it had.
 */
async function shownTariff(
  db: Queryable,
  operatorId: string,
  { siteId, stationId, timeline }: Course,
  { tariffId, version }: Told,
): Promise<AgreedTariff | undefined> {
  const { rows } = await db.query<{ tariff_id: string; version: number; name: string; terms: TariffTerms }>(
    `select v.tariff_id, v.version, t.name, v.terms
     from tariff_version v join tariff t on t.tariff_id = v.tariff_id
     where v.operator_id = $1 and v.tariff_id::text = $2 and v.version = $3
       and date_trunc('milliseconds', v.valid_from) <= $4
       and exists (select from tariff_assignment a where a.operator_id = $1 and a.tariff_id = v.tariff_id
         and date_trunc('milliseconds', a.assigned_from) <= $4 and (a.target = any($5) or a.group_id is not null))`,
    [
      ...[operatorId, tariffId, version, new Date(timeline.startedAt)],
      ["operator", `site:${siteId}`, `station:${stationId}`],
    ],
  );
  const [row] = rows;
  return row && { ...row, tariffId: row.tariff_id, assignedBy: "shown" };
}

type Agreement = { tariff: AgreedTariff; flags: PriceFlag[] };

/**
 * By which tariff it is priced: what a guest was offered, else what held there when it began. Where the site showed
 * another price, because it had not heard of a change yet, the lower one of the two: both were announced.
 */
async function agreedTariff(
  db: Queryable,
  operatorId: string,
  course: Course,
): Promise<Agreement | undefined> {
  const { siteId, stationId, timeline, told } = course;
  const offered = await offeredTariff(db, operatorId, course.idToken);
  if (offered !== undefined) return { tariff: offered, flags: [] };
  const place = { operatorId, siteId, stationId, atMs: timeline.startedAt };
  const held = await tariffFor(db, { ...place, idToken: course.idToken ?? undefined });
  if (held === undefined) return undefined;
  const isSame = held.tariffId === told?.tariffId && held.version === told.version;
  if (told === null || isSame) return { tariff: held, flags: [] };
  const shown = await shownTariff(db, operatorId, course, told);
  if (shown === undefined || shown.terms.currency !== held.terms.currency)
    return { tariff: held, flags: ["site-price-unknown"] };
  const costs = ({ terms }: AgreedTariff) => priceTransaction(terms, timeline).totalMinor;
  return costs(shown) < costs(held) ? { tariff: shown, flags: ["site-price"] } : { tariff: held, flags: [] };
}

export type Priced = {
  transactionId: string;
  tariffId: string;
  tariffVersion: number;
  tariffName: string;
  assignedBy: AgreedTariff["assignedBy"];
  terms: TariffTerms;
  timeline: Timeline;
  price: Price;
};

type CourseRow = TransactionRow & { time_zone: string; last_sample_at: Date | null };

async function timelineFor(db: Queryable, row: CourseRow): Promise<Timeline> {
  const seen = toTransaction(row);
  const { start, end } = momentsOf(row);
  const heard = Math.max(row.last_sample_at?.getTime() ?? 0, start.raw);
  const last = end ?? { raw: heard, at: heard + start.at - start.raw };
  const { rows: samples } = await db.query<{ at: Date; wh: number }>(
    `select at, energy_import_wh as wh from transaction_sample
     where transaction_id = $1 and energy_import_wh is not null order by at limit ${SAMPLES_MAX}`,
    [row.transaction_id],
  );
  const { rows: words } = await db.query<{ at: Date; word: string }>(
    `select at, state as word from charge_state
     where station_id = $1 and evse_id = $2 and at >= $3 and at <= $4 order by at`,
    [row.station_id, row.evse_id, new Date(start.raw), new Date(Math.max(start.raw, last.raw))],
  );
  const energyWh = seen.energyWh;
  // It ended, and nobody has seen when.
  const timeQuality = end === undefined && row.ended_unseen ? ("estimated" as const) : seen.timeQuality;
  const facts = {
    ...{ timeZone: row.time_zone, start, end: last, timeQuality, flags: seen.flags },
    meterStartWh: row.meter_start_wh,
    meterEndWh: energyWh === null || row.meter_start_wh === null ? null : row.meter_start_wh + energyWh,
  };
  return timelineOf(
    facts,
    samples.map(({ at, wh }) => ({ at: at.getTime(), wh })),
    words.map(({ at, word }) => ({ at: at.getTime(), word })),
  );
}

export type Course = {
  siteId: string;
  stationId: string;
  idToken: string | null;
  /** What its ER has told that it showed. */
  told: Told | null;
  /** Of the transaction. */
  flags: readonly string[];
  timeline: Timeline;
};

/**
 * What is known of how a transaction went, whatever it costs: of one that runs, until the last that was heard of it.
 * @returns undefined: there is no such transaction.
 */
export async function readCourse(
  db: Queryable,
  operatorId: string,
  transactionId: string,
): Promise<Course | undefined> {
  const { rows } = await db.query<CourseRow>(
    `select ${TRANSACTION_COLUMNS}, coalesce(s.time_zone, o.time_zone) as time_zone
     from transaction t join operator o on o.operator_id = t.operator_id
     left join site s on s.site_id = t.site_id
     where t.operator_id = $1 and t.transaction_id = $2`,
    [operatorId, transactionId],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    ...{ siteId: row.site_id, stationId: row.station_id, idToken: row.id_token },
    told:
      row.told_tariff_id === null || row.told_tariff_version === null
        ? null
        : { tariffId: row.told_tariff_id, version: row.told_tariff_version },
    flags: toTransaction(row).flags,
    timeline: await timelineFor(db, row),
  };
}

/** By the tariff that was agreed for it. @returns undefined: none held for it when it began. */
export async function priceCourse(
  db: Queryable,
  operatorId: string,
  transactionId: string,
  course: Course,
): Promise<Priced | undefined> {
  const { timeline } = course;
  const agreed = await agreedTariff(db, operatorId, course);
  if (agreed === undefined) return undefined;
  const { tariffId, version, name, terms, assignedBy } = agreed.tariff;
  const price = priceTransaction(terms, timeline);
  return {
    ...{ transactionId, tariffId, tariffVersion: version, tariffName: name, assignedBy, terms, timeline },
    price: { ...price, flags: [...price.flags, ...agreed.flags] },
  };
}

/**
 * What a transaction costs: of one that runs, until the last that was heard of it.
 * @returns undefined: there is no such transaction, or no tariff held for it when it began.
 */
export async function priceOf(
  db: Queryable,
  operatorId: string,
  transactionId: string,
): Promise<Priced | undefined> {
  const course = await readCourse(db, operatorId, transactionId);
  return course && priceCourse(db, operatorId, transactionId, course);
}
