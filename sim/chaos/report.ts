/** A run as text for people: the counts, then what differs and where to look further. */
import { attribute } from "./compare-commands.ts";
import type { ChaosResult } from "./run.ts";

const SHOWN_PER_KIND = 10;

/** Several lines, without colours. */
export function report(result: ChaosResult, replay: string): string {
  const { differences, keptIn } = result;
  const rows = table(result).map(([name, value]) => `  ${name.padEnd(28)}${value}`);
  if (differences.length === 0) {
    const kept = keptIn === undefined ? [] : [`logs and data are kept in ${keptIn}`];
    return [...rows, "", "Nothing lost, nothing twice, nothing late.", ...kept].join("\n");
  }
  const kinds = Map.groupBy(differences, (d) => d.kind);
  const lists = [...kinds].flatMap(([kind, list]) => [
    `${kind} (${list.length}):`,
    ...list.slice(0, SHOWN_PER_KIND).map((d) => `  - ${d.text.replaceAll("\n", "\n    ")}`),
    ...(list.length > SHOWN_PER_KIND ? [`  … and ${list.length - SHOWN_PER_KIND} more`] : []),
  ]);
  const where = [
    "To look further:",
    `  ${keptIn}`,
    "    differences.txt, chaos.log (faults by time), told.jsonl and calls.jsonl (the ledger), commands.jsonl,",
    "    er.log, sg.log, rabbitmq/, postgres/server.log, er/journal.sqlite, postgres/data",
    `  the same faults again: ${replay}`,
  ];
  return [...rows, "", `${differences.length} differences`, ...lists, "", ...where].join("\n");
}

/** How near to its deadline a CALL was seen by its station. */
function closest({ ledger, stored }: ChaosResult): string {
  const leftMs = attribute(ledger.calls, stored).flatMap(({ call, command }) =>
    command === undefined ? [] : [command.expiresAt - call.at],
  );
  if (leftMs.length === 0) return "no CALL of a command was received";
  return `the closest CALL came ${Math.round(Math.min(...leftMs))} ms before its deadline`;
}

function table(result: ChaosResult): [string, string][] {
  const { faults, ledger, stored, commands, drainMs, backlog, sgStartsGivenUp, differences } = result;
  const count = (kind: string) => String(differences.filter((d) => d.kind === kind).length);
  const told = [...ledger.transactions.values()];
  const toldWh = told.reduce((sum, t) => sum + (t.meterStopWh ?? 0) - (t.meterStartWh ?? 0), 0);
  const storedWh = stored.transactions.reduce(
    (sum, t) => sum + (t.meterStopWh ?? 0) - (t.meterStartWh ?? 0),
    0,
  );
  const handled = stored.messages.filter((m) => m.kind === "ocpp.handled");
  const said = new Set(ledger.told.map((t) => `${t.stationId} ${t.content}`)).size;
  return [
    ["faults", String(faults.length)],
    ...tally(faults.map((f) => `${f.part}: ${f.kind}`)).map(([k, n]): [string, string] => [
      `  ${k}`,
      String(n),
    ]),
    ["SG starts given up", `${sgStartsGivenUp} (no database)`],
    ["frames of stations", `${ledger.counts.sent} sent, ${ledger.counts.answered} answered`],
    ["transactions", `${told.length} told, ${stored.transactions.length} stored`],
    [
      "their messages",
      `${said} told, in ${ledger.told.length} answers; ${stored.messages.length} rows stored`,
    ],
    ["repeats", String(handled.filter((m) => m.isRepeat).length)],
    ["energy", `${toldWh} Wh told, ${storedWh} Wh stored`],
    [
      "commands",
      `${commands.taken} taken, ${commands.unanswered} unanswered, ${stored.commands.length} stored`,
    ],
    ...tally(stored.commands.map((c) => c.status)).map(([k, n]): [string, string] => [`  ${k}`, String(n)]),
    ["CALLs received by stations", String(ledger.calls.length)],
    ["lost", count("lost")],
    ["doubled", count("doubled")],
    ["late commands", `${count("late")} (${closest(result)})`],
    ["drained in", `${(drainMs / 1_000).toFixed(1)} s (${backlog} entries)`],
  ];
}

function tally(names: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a.localeCompare(b));
}
