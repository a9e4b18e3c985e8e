/**
 * The ledger against PostgreSQL: every difference, in words. Pure; empty means that they agree exactly.
 *
 * At the end of a run the stations have nothing left to say, so that "told" and "happened" are the same, and
 * the comparison goes both ways.
 */
import { compareCommands, type IssuedCommand } from "./compare-commands.ts";
import { KEPT_ACTIONS, transactionKey, type Ledger, type Told } from "./ledger.ts";
import type { Stored, StoredMessage, StoredTransaction } from "./stored.ts";

export type Difference = {
  kind: "lost" | "doubled" | "unequal" | "late" | "command" | "journal" | "seen on the wire";
  text: string;
};

/** All differences between what was told and what is stored. */
export function compare(ledger: Ledger, issued: readonly IssuedCommand[], stored: Stored): Difference[] {
  return [
    ...ledger.wrong.map((text): Difference => ({ kind: "seen on the wire", text })),
    ...compareJournals(stored),
    ...compareTransactions(ledger, stored),
    ...compareMessages(ledger.told, stored),
    ...compareSamples(ledger.told, stored),
    ...compareCommands(ledger.calls, issued, stored),
  ];
}

function compareJournals({ journals, parked, gaps, halted }: Stored): Difference[] {
  const found: Difference[] = [];
  const say = (text: string) => found.push({ kind: "journal", text });
  if (journals !== 1) say(`${journals} journals instead of one`);
  if (parked > 0) say(`${parked} entries could not be applied: see parked_entry`);
  if (gaps > 0) say(`${gaps} ranges of entries were never seen: see journal_gap`);
  if (halted > 0) say(`${halted} journals are not taken any more: see journal.halted`);
  return found;
}

function compareTransactions(ledger: Ledger, stored: Stored): Difference[] {
  const found: Difference[] = [];
  const rows = groupBy(stored.transactions, (t) => transactionKey(t.stationId, t.wireId));
  for (const [key, told] of ledger.transactions) {
    const [row, ...others] = rows.get(key) ?? [];
    const name = `transaction ${told.wireId} of ${told.stationId}`;
    if (row === undefined) found.push({ kind: "lost", text: `${name} is not stored` });
    if (others.length > 0)
      found.push({ kind: "doubled", text: `${name} is stored ${others.length + 1} times` });
    if (row === undefined) continue;
    for (const field of ["meterStartWh", "meterStopWh"] as const) {
      const wanted = told[field] ?? null;
      if (row[field] === wanted) continue;
      found.push({ kind: "unequal", text: `${name}: ${field} is ${row[field]}, the station said ${wanted}` });
    }
    if (!row.hasEnded) found.push({ kind: "unequal", text: `${name} has not ended` });
    if (row.needsReview)
      found.push({ kind: "unequal", text: `${name} waits for a person: ${row.flags.join(", ")}` });
  }
  for (const [key, [row]] of rows) {
    if (row === undefined || ledger.transactions.has(key)) continue;
    found.push({
      kind: "doubled",
      text: `transaction ${row.transactionId} (${key}) is stored, no station knows it`,
    });
  }
  return found;
}

function compareMessages(told: readonly Told[], stored: Stored): Difference[] {
  const found: Difference[] = [];
  const handled = stored.messages.filter((m) => m.kind === "ocpp.handled" && KEPT_ACTIONS.has(m.action));
  for (const [key, copies] of groupBy(stored.messages, (m) => `${m.journalId} ${m.seq}`)) {
    if (copies.length > 1)
      found.push({ kind: "doubled", text: `entry ${key} is stored ${copies.length} times` });
  }
  for (const copies of groupBy(handled, (m) => `${m.stationId} ${m.messageId}`).values()) {
    if (copies.length > 1)
      found.push({ kind: "doubled", text: `${nameOf(copies[0])} is stored ${copies.length} times` });
  }
  const byContent = groupBy(handled, (m) => `${m.stationId} ${m.content}`);
  const wireIds = new Map(stored.transactions.map((t): [string, StoredTransaction] => [t.transactionId, t]));
  for (const message of told) {
    const copies = byContent.get(`${message.stationId} ${message.content}`) ?? [];
    const name = nameOf(message);
    if (copies.length === 0) found.push({ kind: "lost", text: `${name} was answered and is not stored` });
    for (const { transactionId } of copies) {
      const wireId = wireIds.get(transactionId ?? "")?.wireId;
      if (wireId === message.wireId) continue;
      const text = `${name} belongs to ${message.wireId}, but is stored with ${wireId ?? "no transaction"}`;
      found.push({ kind: "unequal", text });
    }
  }
  for (const copies of byContent.values()) {
    const first = copies.filter((m) => !m.isRepeat);
    if (first.length === 1 || first[0]?.action === "MeterValues") continue;
    const text = `${nameOf(copies[0])} is stored ${copies.length} times, ${first.length} of them as new`;
    found.push({ kind: first.length === 0 ? "lost" : "doubled", text });
  }
  return found;
}

/** Every reading once, however often it was sent. */
function compareSamples(told: readonly Told[], stored: Stored): Difference[] {
  const found: Difference[] = [];
  const names = new Map(
    stored.transactions.map((t) => [t.transactionId, transactionKey(t.stationId, t.wireId)]),
  );
  const copies = new Map(
    stored.samples.map((s) => [`${names.get(s.transactionId)} ${s.at} ${s.energyWh}`, s.copies]),
  );
  const readings = groupBy(
    told.filter((message) => message.sample !== undefined),
    ({ stationId, wireId, sample }) =>
      `${transactionKey(stationId, wireId)} ${sample?.at} ${sample?.energyWh}`,
  );
  for (const [key, messages] of readings) {
    const wanted = new Set(messages.map((message) => message.content)).size;
    const has = copies.get(key) ?? 0;
    if (has === wanted) continue;
    const text = `the reading ${key} is stored ${has} times instead of ${wanted}`;
    found.push({ kind: has < wanted ? "lost" : "doubled", text });
  }
  return found;
}

const nameOf = (message: Pick<StoredMessage, "action" | "messageId" | "stationId"> | undefined): string =>
  `${message?.action} ${message?.messageId} of ${message?.stationId}`;

function groupBy<T>(list: Iterable<T>, key: (item: T) => string): Map<string, T[]> {
  return Map.groupBy(list, key);
}
