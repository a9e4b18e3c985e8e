/**
 * A transaction that runs, as the ER remembers it: a fold of the journal, kept until it has ended.
 */
import type { EntryOf } from "../../shared/entry.ts";
import type { Course } from "./course.ts";

export type OpenTransaction = {
  transactionId: string;
  stationId: string;
  ocppTransactionId: string;
  evseId: number;
  startedAt: number;
  idToken?: string;
  groupId?: string;
  meterStartWh?: number;
  /** Of the entry that opened it, by the ER's clocks. */
  openedAt: number;
  openedBoot: string;
  openedUpMs: number;
  /** Wall time of the last entry that spoke of it. */
  heardAt: number;
  /** It is ended by the ER at these bounds. */
  cap?: { energyWh?: number; durationS?: number };
  /** Its token stood in the policy when it began. */
  listed?: boolean;
  /** Only the cloud knew it then: wall time of its word. A policy from before may not hold the token yet. */
  listedByCloudAt?: number;
  /** The station has taken the low limit of a revoked token. */
  slowed?: boolean;
  /** Its token may not charge any more. */
  revoked?: { rule: "finish" | "stop-now" | "min-energy"; stopAtWh?: number };
  /** Highest register seen. */
  energyImportWh?: number;
  /** Content of the last Updated event, to know a retry. */
  lastEventKey?: string;
  /** The last reading that came by itself (MeterValues), to tell a repeat. */
  lastReadingKey?: string;
  /** By which tariff its cost is shown: the one that was offered, with its terms, or that the site knew then. */
  tariff?: NonNullable<EntryOf<"ocpp.handled">["tariff"]>;
  /** When it took how much, to be priced. Absent: nothing was told yet. */
  course?: Course;
};
