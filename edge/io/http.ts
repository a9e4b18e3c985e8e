/**
 * The ER's own small HTTP server on loopback: `/healthz` for supervisors, `/metrics` for Prometheus,
 * `/status` for `er status`.
 */
import { createServer } from "node:http";
import type { Registry } from "prom-client";

export type Status = {
  erId: string;
  siteId: string;
  release: string;
  journalId: string;
  upSeconds: number;
  link: "up" | "down";
  clock: string;
  clockOffsetMs: number;
  stationsConnected: number;
  stationsKnown: number;
  activeTransactions: number;
  lastSeq: number;
  ackedSeq: number;
  backlog: number;
  policyVersion: number;
  /** Since the cloud last said that the policy is the current one; null when it never did. */
  policyAgeS: number | null;
  leasedIdsLeft: number;
  /** Size of its files. */
  journalBytes: number;
  /** Of them in use, and what may be used at most. */
  journalUsedBytes: number;
  journalBudgetBytes: number;
  pressure: string;
  /** 0: none … 4: nobody may start. */
  pressureRank: number;
  /** Readings given up since the start. */
  shedEntries: number;
  journalWrittenBytes: number;
  publishedBytes: number;
  entries: number;
  commits: number;
  inputs: number;
  /** Commits that fail in a row: while it is not zero, no station is answered. */
  commitFailures: number;
  diskFreeBytes: number | null;
  diskWearPercent: number | null;
  temperatureC: number | null;
  rssBytes: number;
  /** Firmware, and what stations have left here. */
  filesBytes: number;
  /** Uploads of stations that the cloud does not have yet. */
  uploadsWaiting: number;
  previousEnd: "clean" | "crash" | "watchdog" | null;
  previousEndReason: string | null;
  /** File name of a journal that was moved away at this start. */
  setAside: string | null;
  /** In words, worst first. */
  problems: string[];
  meters: { meterId: string; state: string; powerW: number | null }[];
};

/** `null`: the box does not tell. */
type Metric = { name: string; help: string; kind: "counter" | "gauge"; value: (s: Status) => number | null };

const METRICS: Metric[] = [
  {
    name: "er_link_up",
    help: "1 while the broker is connected",
    kind: "gauge",
    value: (s) => (s.link === "up" ? 1 : 0),
  },
  {
    name: "er_stations_connected",
    help: "Stations with an open socket",
    kind: "gauge",
    value: (s) => s.stationsConnected,
  },
  {
    name: "er_transactions_active",
    help: "Transactions that run",
    kind: "gauge",
    value: (s) => s.activeTransactions,
  },
  {
    name: "er_backlog_entries",
    help: "Journal entries not yet in PostgreSQL",
    kind: "gauge",
    value: (s) => s.backlog,
  },
  {
    name: "er_journal_bytes",
    help: "Size of the journal's files",
    kind: "gauge",
    value: (s) => s.journalBytes,
  },
  {
    name: "er_journal_used_bytes",
    help: "Bytes of the journal in use",
    kind: "gauge",
    value: (s) => s.journalUsedBytes,
  },
  {
    name: "er_journal_budget_bytes",
    help: "Bytes that the journal may use: its budget, or what the disk has left",
    kind: "gauge",
    value: (s) => s.journalBudgetBytes,
  },
  {
    name: "er_journal_pressure",
    help: "0 none, 1 compact, 2 and 3 readings are thinned, 4 nobody may start",
    kind: "gauge",
    value: (s) => s.pressureRank,
  },
  {
    name: "er_files_bytes",
    help: "Firmware for stations, and what they have left here",
    kind: "gauge",
    value: (s) => s.filesBytes,
  },
  {
    name: "er_uploads_waiting",
    help: "Uploads of stations that the cloud does not have yet",
    kind: "gauge",
    value: (s) => s.uploadsWaiting,
  },
  {
    name: "er_disk_free_bytes",
    help: "Bytes left on the disk of the journal",
    kind: "gauge",
    value: (s) => s.diskFreeBytes,
  },
  {
    name: "er_disk_wear_percent",
    help: "Used life of the flash, upper bound",
    kind: "gauge",
    value: (s) => s.diskWearPercent,
  },
  {
    name: "er_temperature_celsius",
    help: "Of the hottest zone of the box",
    kind: "gauge",
    value: (s) => s.temperatureC,
  },
  {
    name: "er_policy_age_seconds",
    help: "Since the cloud confirmed the policy",
    kind: "gauge",
    value: (s) => s.policyAgeS,
  },
  {
    name: "er_problems",
    help: "Things that a person should look at: `er status` names them",
    kind: "gauge",
    value: (s) => s.problems.length,
  },
  {
    name: "er_shed_entries_total",
    help: "Readings given up for want of disk",
    kind: "counter",
    value: (s) => s.shedEntries,
  },
  {
    name: "er_commit_failures",
    help: "Commits that fail in a row",
    kind: "gauge",
    value: (s) => s.commitFailures,
  },
  {
    name: "er_leased_ids_left",
    help: "Transaction ids left in leased blocks",
    kind: "gauge",
    value: (s) => s.leasedIdsLeft,
  },
  {
    name: "er_clock_offset_ms",
    help: "True time minus ER time",
    kind: "gauge",
    value: (s) => s.clockOffsetMs,
  },
  { name: "er_entries_total", help: "Journal entries committed", kind: "counter", value: (s) => s.entries },
  { name: "er_commits_total", help: "Commits made", kind: "counter", value: (s) => s.commits },
  { name: "er_inputs_total", help: "Inputs taken by the core", kind: "counter", value: (s) => s.inputs },
  {
    name: "er_journal_written_bytes_total",
    help: "Block bytes appended",
    kind: "counter",
    value: (s) => s.journalWrittenBytes,
  },
  {
    name: "er_published_bytes_total",
    help: "Bytes handed to the broker",
    kind: "counter",
    value: (s) => s.publishedBytes,
  },
];

/** Loaded when somebody first scrapes: a box behind NAT, which nobody can, saves the memory. */
async function createRegistry(status: () => Status): Promise<Registry> {
  const { Counter, Gauge, Registry, collectDefaultMetrics } = await import("prom-client");
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const { name, help, kind, value } of METRICS) {
    const registers = [registry];
    if (kind === "gauge") {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value(status()) ?? Number.NaN);
        },
      });
    } else {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(value(status()) ?? 0);
        },
      });
    }
  }
  return registry;
}

/** Listens on 127.0.0.1 only. `healthy` must be false when the loop or the journal is stuck. */
export async function startHttp(options: {
  port: number;
  status: () => Status;
  healthy: () => string | undefined;
}) {
  let registry: Promise<Registry> | undefined;
  const server = createServer((request, response) => {
    const json = (code: number, body: unknown) => {
      response.writeHead(code, { "Content-Type": "application/json" });
      response.end(`${JSON.stringify(body)}\n`);
    };
    switch (request.url) {
      case "/healthz": {
        const problem = options.healthy();
        return json(problem === undefined ? 200 : 503, {
          status: problem === undefined ? "ok" : "failing",
          problem,
        });
      }
      case "/status":
        return json(200, options.status());
      case "/metrics":
        registry ??= createRegistry(options.status);
        void registry.then(async (metrics) => {
          const text = await metrics.metrics();
          response.writeHead(200, { "Content-Type": metrics.contentType });
          response.end(text);
        });
        return;
      default:
        return json(404, { error: "try /healthz, /status or /metrics" });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as { port: number }).port,
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
