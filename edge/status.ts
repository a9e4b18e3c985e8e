/**
 * What a running ER says of itself: as data for `/status` and the metrics, in words for the person who looks
 * at three in the morning, with what is wrong first.
 */
import { rankOf } from "./core/pressure.ts";
import type { SetAside, State } from "./core/types.ts";
import { leasedIdsLeft } from "./core/transaction.ts";
import { backlog } from "./core/uplink.ts";
import type { Status } from "./io/http.ts";
import type { Journal } from "./io/journal.ts";
import type { Runtime } from "./runtime.ts";
import type { SelfWatch } from "./self-watch.ts";
import type { PreviousEnd } from "./watchdog.ts";

export type StatusParts = {
  runtime: Runtime;
  journal: Journal;
  selfWatch: SelfWatch;
  previous: PreviousEnd;
  setAside: SetAside | undefined;
  upSeconds: number;
  publishedBytes: number;
  files: { bytes: number; waiting: number };
};

function policyAgeS({ live, durable }: State, now: { at: number; upMs: number }): number | null {
  if (live.policySyncedUpMs !== undefined) return Math.round((now.upMs - live.policySyncedUpMs) / 1_000);
  if (durable.policySyncedAt === 0) return null;
  return Math.max(0, Math.round((now.at + live.clockOffsetMs - durable.policySyncedAt) / 1_000));
}

export function statusOf(parts: StatusParts, now: { at: number; upMs: number }): Status {
  const { runtime, journal, selfWatch, previous, setAside } = parts;
  const { live, durable, identity } = runtime.state;
  const { gauges, job } = selfWatch;
  const status: Omit<Status, "problems"> = {
    erId: identity.erId,
    siteId: identity.siteId,
    release: identity.release,
    journalId: journal.journalId,
    upSeconds: parts.upSeconds,
    link: live.uplink.up ? "up" : "down",
    clock: live.clock,
    clockOffsetMs: live.clockOffsetMs,
    stationsConnected: live.byStation.size,
    stationsKnown: durable.stations.size,
    activeTransactions: durable.transactions.size,
    lastSeq: durable.seq,
    ackedSeq: live.uplink.ackedSeq,
    backlog: backlog(live.uplink),
    policyVersion: durable.policyVersion,
    policyAgeS: policyAgeS(runtime.state, now),
    leasedIdsLeft: leasedIdsLeft(runtime.state),
    journalBytes: journal.sizeBytes(),
    journalUsedBytes: job.room.usedBytes,
    journalBudgetBytes: job.room.budgetBytes,
    pressure: job.pressure,
    pressureRank: rankOf(job.pressure),
    shedEntries: job.counters.shedEntries,
    journalWrittenBytes: journal.writtenBytes,
    publishedBytes: parts.publishedBytes,
    diskFreeBytes: gauges.diskFreeBytes ?? null,
    diskWearPercent: gauges.diskWearPercent ?? null,
    temperatureC: gauges.temperatureC ?? null,
    rssBytes: gauges.rssBytes,
    filesBytes: parts.files.bytes,
    uploadsWaiting: parts.files.waiting,
    previousEnd: previous.previousEnd ?? null,
    previousEndReason: previous.reason ?? null,
    setAside: setAside?.file ?? null,
    ...runtime.counters,
    meters: [...durable.meters].map(([meterId, meter]) => ({
      meterId,
      state: meter.state,
      powerW: meter.previous?.reading.powerW ?? null,
    })),
  };
  return { ...status, problems: problemsOf(status) };
}

const PRESSURE_PROBLEMS: Partial<Record<string, string>> = {
  "thin-60":
    "the journal fills up: of old readings one per minute is kept. Is the link up? Does the SG take it?",
  "thin-300":
    "the journal is nearly full: of old readings one per five minutes is kept. Bring the link up, or free disk",
  refuse:
    "the journal is full: NOBODY MAY START CHARGING until it has drained. Bring the link up, or free disk",
};
const DISK_LOW_BYTES = 200e6;
const WEAR_PERCENT = 80;
const HOT_C = 85;

/** What a person should do something about, worst first. */
export function problemsOf(s: Omit<Status, "problems">): string[] {
  const problems: string[] = [];
  if (s.commitFailures > 0)
    problems.push("the journal cannot be written and NO STATION IS ANSWERED: check the disk");
  const pressure = PRESSURE_PROBLEMS[s.pressure];
  if (pressure !== undefined) problems.push(pressure);
  if (s.diskFreeBytes !== null && s.diskFreeBytes < DISK_LOW_BYTES)
    problems.push(`the disk has only ${megabytes(s.diskFreeBytes)} left: free some`);
  if (s.diskWearPercent !== null && s.diskWearPercent >= WEAR_PERCENT)
    problems.push(`the flash has used up to ${s.diskWearPercent} % of its life: plan to replace the box`);
  if (s.temperatureC !== null && s.temperatureC >= HOT_C)
    problems.push(`the box is ${s.temperatureC} °C hot: check its place and its fan`);
  if (s.clock === "untrusted") {
    const off = s.clockOffsetMs === 0 ? "nobody has told it the time" : `it is off by ${s.clockOffsetMs} ms`;
    problems.push(`the clock of this box is wrong: ${off}; check NTP`);
  }
  if (s.setAside !== null)
    problems.push(
      `the journal could not be used and was moved to ${s.setAside}: keep it, see docs/operating.md`,
    );
  if (s.previousEnd === "watchdog")
    problems.push(
      `the ER was ended by its watchdog before this start: ${s.previousEndReason ?? "no reason"}`,
    );
  for (const { meterId, state } of s.meters)
    if (state === "lost") problems.push(`the meter ${meterId} is lost`);
  return problems;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

function age(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}

const ENDS = {
  clean: "ended cleanly",
  crash: "crashed, or lost its power",
  watchdog: "was ended by its watchdog",
};

/** For `er status`: one line per thing, problems first. */
export function describeStatus(s: Status): string {
  const box = [
    ...(s.diskFreeBytes === null ? [] : [`${megabytes(s.diskFreeBytes)} of disk free`]),
    ...(s.diskWearPercent === null ? [] : [`flash worn ${s.diskWearPercent} %`]),
    ...(s.temperatureC === null ? [] : [`${s.temperatureC} °C`]),
    `${megabytes(s.rssBytes)} of memory`,
  ];
  const policyAge = s.policyAgeS === null ? "" : `, confirmed ${age(s.policyAgeS)} ago`;
  const rows: [string, string][] = [
    ...s.problems.map((problem): [string, string] => ["PROBLEM", problem]),
    ["ER", `${s.erId} at site ${s.siteId}, release ${s.release}, up ${age(s.upSeconds)}`],
    [
      "link",
      s.link === "up"
        ? "broker connected"
        : "broker not reachable: the site works alone, the journal keeps all",
    ],
    ["backlog", `${s.backlog} entries wait for the cloud (${s.lastSeq} written, ${s.ackedSeq} acknowledged)`],
    [
      "stations",
      `${s.stationsConnected} connected of ${s.stationsKnown} known, ${s.activeTransactions} transactions`,
    ],
    ["clock", `${s.clock}${s.clockOffsetMs === 0 ? "" : `, off by ${s.clockOffsetMs} ms`}`],
    ["policy", s.policyVersion === 0 ? "none yet" : `version ${s.policyVersion}${policyAge}`],
    [
      "journal",
      `${megabytes(s.journalUsedBytes)} of ${megabytes(s.journalBudgetBytes)} (pressure: ${s.pressure}), ` +
        `${s.commits} commits since the start`,
    ],
    ["box", box.join(", ")],
    ...(s.previousEnd === null ? [] : [["before", `the ER ${ENDS[s.previousEnd]}`] as [string, string]]),
    ...s.meters.map((m): [string, string] => [`meter ${m.meterId}`, `${m.state}, ${m.powerW ?? "?"} W`]),
  ];
  return rows.map(([name, text]) => `${name.padEnd(14)}${text}`).join("\n");
}
