/** What `er status` says at three in the morning: what is wrong comes first, in words. */
import { expect, test } from "vitest";
import type { Status } from "./io/http.ts";
import { describeStatus, problemsOf } from "./status.ts";

const GOOD: Status = {
  ...{ erId: "er-1", siteId: "site-1", release: "0.1.0", journalId: "j", upSeconds: 7_260, link: "up" },
  ...{ clock: "synced", clockOffsetMs: 0, stationsConnected: 2, stationsKnown: 3, activeTransactions: 1 },
  ...{ lastSeq: 90, ackedSeq: 80, backlog: 10, policyVersion: 4, policyAgeS: 30, leasedIdsLeft: 1_999 },
  ...{ journalBytes: 4e6, journalUsedBytes: 3e6, journalBudgetBytes: 2_147e6, pressure: "none" },
  ...{ pressureRank: 0, shedEntries: 0, journalWrittenBytes: 2_000, publishedBytes: 1_000 },
  ...{ diskFreeBytes: 9e9, diskWearPercent: 10, temperatureC: 48.5, rssBytes: 120e6 },
  ...{ filesBytes: 0, uploadsWaiting: 0 },
  ...{ previousEnd: "clean", previousEndReason: null, setAside: null, problems: [] },
  ...{ entries: 90, commits: 30, inputs: 120, commitFailures: 0 },
  meters: [{ meterId: "grid", state: "ok", powerW: 700 }],
};
const withProblems = (more: Partial<Status>): Status => {
  const status = { ...GOOD, ...more };
  return { ...status, problems: problemsOf(status) };
};

test("of a healthy ER nothing is a problem, and every line says something", () => {
  expect(problemsOf(GOOD)).toEqual([]);
  expect(describeStatus(GOOD).split("\n")).toEqual([
    "ER            er-1 at site site-1, release 0.1.0, up 2 h",
    "link          broker connected",
    "backlog       10 entries wait for the cloud (90 written, 80 acknowledged)",
    "stations      2 connected of 3 known, 1 transactions",
    "clock         synced",
    "policy        version 4, confirmed 30 s ago",
    "journal       3.0 MB of 2147 MB (pressure: none), 30 commits since the start",
    "box           9000 MB of disk free, flash worn 10 %, 48.5 °C, 120 MB of memory",
    "before        the ER ended cleanly",
    "meter grid    ok, 700 W",
  ]);
});

test.each<[string, Partial<Status>, RegExp]>([
  ["a journal that cannot be written", { commitFailures: 3 }, /NO STATION IS ANSWERED/],
  ["thinned readings", { pressure: "thin-60" }, /one per minute is kept/],
  ["a full journal", { pressure: "refuse" }, /NOBODY MAY START CHARGING/],
  ["a disk that others fill", { diskFreeBytes: 90e6 }, /only 90 MB left/],
  ["worn flash", { diskWearPercent: 90 }, /90 % of its life/],
  ["a hot box", { temperatureC: 91 }, /91 °C hot/],
  ["a clock that nobody has set", { clock: "untrusted" }, /nobody has told it the time; check NTP/],
  ["a clock that is off", { clock: "untrusted", clockOffsetMs: -90_000 }, /off by -90000 ms/],
  ["a journal set aside", { setAside: "journal-x.sqlite" }, /moved to journal-x\.sqlite: keep it/],
  ["a watchdog that bit", { previousEnd: "watchdog", previousEndReason: "it hung" }, /its watchdog.*it hung/],
  ["a lost meter", { meters: [{ meterId: "grid", state: "lost", powerW: null }] }, /meter grid is lost/],
])("%s is a problem, and stands first", (_, more, words) => {
  const status = withProblems(more);
  expect(status.problems).toHaveLength(1);
  expect(describeStatus(status).split("\n")[0]).toMatch(words);
  expect(describeStatus(status)).toMatch(/^PROBLEM /);
});

test("what a box does not tell is left out", () => {
  const bare = {
    diskFreeBytes: null,
    diskWearPercent: null,
    temperatureC: null,
    policyAgeS: null,
    previousEnd: null,
  };
  const text = describeStatus(withProblems({ ...bare, policyVersion: 0, link: "down" }));
  expect(text).toContain("box           120 MB of memory");
  expect(text).toContain("policy        none yet");
  expect(text).toContain("the site works alone");
  expect(text).not.toContain("before");
});
