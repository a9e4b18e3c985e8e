/**
 * Checker `projection`: after everything has drained, what the SG shows is what its whole journal says, read
 * anew from the first entry on and cut into other batches; and what the ER itself shows.
 */
import type { Durable, Live } from "../../../edge/core/types.ts";
import { applyEntries, emptyTables, type Tables, type TransactionRow } from "../store.ts";
import { Violation } from "../trace.ts";
import type { Journals } from "./journal.ts";

const fail = (saw: string): never => {
  throw new Violation("projection", saw);
};

function same(what: string, shown: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(shown), JSON.stringify(expected)];
  if (a !== b) fail(`${what}: the SG shows ${a?.slice(0, 600)}, the journal says ${b?.slice(0, 600)}`);
}

/** Column by column: neither the order of a row's columns nor that of its flags means anything. */
function sameTransaction(shown: TransactionRow, expected: TransactionRow | undefined): void {
  if (expected === undefined) return fail(`transaction ${shown.transaction_id} is not in the journal`);
  for (const key of new Set([...Object.keys(shown), ...Object.keys(expected)]) as Set<keyof TransactionRow>) {
    const value = (row: TransactionRow) => (key === "flags" ? [...row.flags].sort() : row[key]);
    same(`${key} of transaction ${shown.transaction_id}`, value(shown), value(expected));
  }
}

/**
 * @param lostAt Unix ms of the last loss of a journal: what was said of a command before it, nobody may know.
 */
export function checkProjection(tables: Tables, journals: Journals, lostAt: number | undefined): void {
  const anew = emptyTables();
  for (const command of tables.commands.values()) {
    anew.commands.set(command.commandId, { ...command, status: "sent" });
  }
  for (const { journalId, blocks } of journals.all) {
    const held = tables.cursors.get(journalId)?.seq ?? 0;
    const shed = tables.shed.get(journalId) ?? new Set();
    for (const { lastSeq, entries } of blocks) {
      if (lastSeq > held) continue;
      const left = shed.size === 0 ? entries : entries.filter(({ seq }) => !shed.has(seq));
      applyEntries(anew, left);
    }
  }
  // The last batches of a lost journal may arrive after the first ones of its successor.
  const order = <T>(rows: readonly T[]): readonly string[] => {
    const texts = rows.map((row) => JSON.stringify(row));
    return lostAt === undefined ? texts : texts.sort();
  };
  same("messages", tables.messages.length, anew.messages.length);
  same("samples", order(tables.samples), order(anew.samples));
  same("transactions", order([...tables.transactions.keys()]), order([...anew.transactions.keys()]));
  for (const [id, row] of tables.transactions) sameTransaction(row, anew.transactions.get(id));
  for (const [id, { status, issuedAt }] of tables.commands) {
    if (lostAt !== undefined && issuedAt <= lostAt) continue;
    const said = anew.commands.get(id)?.status;
    // No entry speaks of it: no ER has taken it in its time.
    same(`command ${id}`, status, said === "sent" ? "expired" : said);
  }
}

/** The map: stations and connectors as the ER sees them now. */
export function checkMap(tables: Tables, durable: Durable): void {
  for (const station of durable.stations.values()) {
    const { stationId, online } = station;
    same(`${stationId} online`, tables.stations.get(stationId)?.online, online);
    for (const connector of station.connectors.values()) {
      const key = `${stationId} ${connector.evseId} ${connector.connectorId}`;
      same(`connector ${key}`, tables.connectors.get(key)?.status, connector.status);
    }
  }
}

/** The rules that the site decides by are those of the SG. */
export function checkPolicy(tables: Tables, { policy, tokens }: Pick<Live, "policy" | "tokens">): void {
  if (policy?.version !== tables.policyVersion) {
    fail(`the ER applies policy ${policy?.version}, the SG has ${tables.policyVersion}`);
  }
  same("tokens", tokens.size, tables.tokens.size);
  for (const [idToken, token] of tables.tokens) same(`token ${idToken}`, tokens.find(idToken), token);
}
