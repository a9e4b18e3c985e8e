/**
 * The journal of the site: opened; or, where it cannot be used, moved away with its bytes, and a new one begun.
 *
 * Invariants: nothing is ever deleted or overwritten; a move that was interrupted is finished at the next
 * start; the new journal has a new identity, the site's rules and nothing else of the old one. What the
 * operator can mend (folder, rights, a full disk) is an error, not a reason to move anything.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { AppError, describeError } from "../../shared/errors.ts";
import { defined } from "../../shared/given.ts";
import type { SetAside } from "../core/types.ts";
import { faultOf, quickCheck, readRemains } from "./journal-file.ts";
import { openJournal, type Journal } from "./journal.ts";

export type SiteJournal = {
  journal: Journal;
  /** What stood in the place of this journal, until it is told by its first entries. */
  setAside: SetAside | undefined;
};
export type SiteJournalOptions = {
  folder: string;
  /** Identity of a journal that begins now. */
  newJournalId: () => string;
  /** Wall clock, for the name of what is moved away. */
  now: () => number;
  onLog: (level: "warn" | "error", message: string, fields: Record<string, unknown>) => void;
};

const NAME = "journal.sqlite";
/** The main file last: as long as it stands, the move is not done. */
const PARTS = ["-wal", "-shm", ""];
/** What is being moved, and why. Stays until the new journal has told it. */
const PLAN = "set-aside.json";
/** Written by a process whose commits failed: the next one has a close look before it goes on. */
const SUSPECT = "journal-suspect.json";
/** What the new journal inherits: the rules of the site, and whom to believe about them. */
const INHERITED = ["policy", "policy-keys"];

type Plan = { file: string; reason: string };

/** A small JSON file that is there whole or not at all. */
export function writeDurably(path: string, value: unknown): void {
  const fresh = `${path}.new`;
  const file = openSync(fresh, "w", 0o600);
  writeSync(file, `${JSON.stringify(value)}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(fresh, path);
}

/** Undefined when it is not there, or not readable. */
export function readJsonFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** 20261122T120000Z */
const stampOf = (at: number) => new Date(at).toISOString().replace(/[-:]|\.\d+/g, "");

function moveAside(folder: string, plan: Plan): void {
  if (existsSync(join(folder, plan.file))) return;
  for (const part of PARTS) {
    const from = join(folder, NAME + part);
    if (existsSync(from)) renameSync(from, join(folder, plan.file + part));
  }
}

/** Says what happened and moves the journal away. `kind` becomes part of its new name. */
function setAside(options: SiteJournalOptions, kind: string, reason: string): Plan {
  const { folder, onLog } = options;
  const stem = `journal-${stampOf(options.now())}-${kind}`;
  const taken = (name: string) => PARTS.some((part) => existsSync(join(folder, `${name}.sqlite${part}`)));
  let name = stem;
  for (let n = 2; taken(name); n++) name = `${stem}-${n}`;
  const plan = { file: `${name}.sqlite`, reason: reason.slice(0, 1_000) };
  writeDurably(join(folder, PLAN), plan);
  moveAside(folder, plan);
  onLog("error", "the journal could not be used: it was moved away and a new one begins; charging goes on", {
    ...plan,
    "what to do": `keep ${join(folder, plan.file)}*: it holds what was not sent yet; see docs/operating.md`,
  });
  return plan;
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new AppError("JOURNAL_UNUSABLE", `the data folder ${folder} cannot be made`, {
      cause,
      hint: "check data_dir in the configuration, and who may write there",
    });
  }
}

/** A journal whose main file somebody took away: SQLite would delete what is left of it. */
function keepOrphan({ folder, now, onLog }: SiteJournalOptions): void {
  const wal = join(folder, `${NAME}-wal`);
  if (existsSync(join(folder, NAME)) || !existsSync(wal)) return;
  const kept = join(folder, `journal-${stampOf(now())}-orphan.sqlite-wal`);
  renameSync(wal, kept);
  onLog("error", "journal.sqlite is gone, its write-ahead log was still there: moved away", { kept });
}

/** Opens what is there. Where that cannot be used, it is moved away and a new one opened. */
function openOrReplace(
  options: SiteJournalOptions,
  plan: Plan | undefined,
): { journal: Journal; plan?: Plan } {
  const { folder, newJournalId } = options;
  const path = join(folder, NAME);
  const open = (newLastAt?: number) =>
    openJournal({ path, newJournalId: newJournalId(), ...defined({ newLastAt }) });
  const fresh = (moved: Plan) => {
    const { lastAt, docs } = readRemains(join(folder, moved.file), INHERITED);
    const journal = open(lastAt);
    if (journal.lastSeq === 0) for (const doc of docs) journal.writeDoc(doc.key, doc.value);
    return { journal, plan: moved };
  };
  if (plan !== undefined) return fresh(plan);
  try {
    return { journal: open() };
  } catch (error) {
    const { code } = error as AppError;
    if (code === "JOURNAL_FORMAT") return fresh(setAside(options, "format", describeError(error)));
    if (code === "JOURNAL_DAMAGED") return fresh(setAside(options, "damaged", describeError(error)));
    // A disk that fails once may do it the next time; a file that cannot be read at all is of no use.
    const problem = faultOf(error) === "io" ? quickCheck(path) : undefined;
    if (problem === undefined) throw error;
    return fresh(setAside(options, "damaged", problem));
  }
}

/** @throws AppError JOURNAL_UNUSABLE when the folder, the rights or the disk are the reason. */
export function openSiteJournal(options: SiteJournalOptions): SiteJournal {
  const { folder, onLog } = options;
  makeFolder(folder);
  const unfinished = readJsonFile(join(folder, PLAN)) as Plan | undefined;
  let plan = typeof unfinished?.file === "string" ? unfinished : undefined;
  if (plan !== undefined) moveAside(folder, plan);
  keepOrphan(options);
  const suspect = readJsonFile(join(folder, SUSPECT));
  if (suspect !== undefined && existsSync(join(folder, NAME))) {
    const problem = quickCheck(join(folder, NAME));
    onLog("warn", "the process before could not write the journal: it was checked", { suspect, problem });
    if (problem !== undefined) plan = setAside(options, "damaged", problem);
  }
  rmSync(join(folder, SUSPECT), { force: true });
  const opened = openOrReplace(options, plan);
  return { journal: opened.journal, setAside: toldOf(folder, opened.journal, opened.plan) };
}

/** After `openSiteJournal`, when the journal opens but its entries cannot be taken in. */
export function replaceSiteJournal(
  options: SiteJournalOptions,
  journal: Journal,
  error: unknown,
): SiteJournal {
  try {
    journal.close();
  } catch {
    // What it could not write back stays in the log beside it, and is moved with it.
  }
  const plan = setAside(options, "unreadable", describeError(error));
  const opened = openOrReplace(options, plan);
  return { journal: opened.journal, setAside: toldOf(options.folder, opened.journal, plan) };
}

/** What the first entries tell of the old journal; nothing when they are committed already. */
function toldOf(folder: string, journal: Journal, plan: Plan | undefined): SetAside | undefined {
  if (plan === undefined) return undefined;
  if (journal.lastSeq > 0) {
    settleSetAside(folder);
    return undefined;
  }
  const { journalId, lastSeq } = readRemains(join(folder, plan.file), []);
  return { ...plan, ...defined({ journalId, lastSeq }) };
}

/** The new journal has told it: the plan is done. */
export function settleSetAside(folder: string): void {
  rmSync(join(folder, PLAN), { force: true });
}

/** The next start checks the whole file before it goes on. */
export function suspectJournal(folder: string, at: number, reason: string): void {
  writeDurably(join(folder, SUSPECT), { at, reason });
}

const DAMAGED_MAX = 3;
const IO_MAX = 30;

/**
 * Counts failing commits in a row. @returns a function that says why it makes no sense to go on, or undefined
 * while it does. A full disk is waited for, however long it takes.
 */
export function createFaultCount(): (error: unknown) => string | undefined {
  let damaged = 0;
  let io = 0;
  return (error) => {
    const fault = error === undefined ? undefined : faultOf(error);
    damaged = fault === "damaged" ? damaged + 1 : 0;
    io = fault === "io" ? io + 1 : 0;
    if (damaged >= DAMAGED_MAX) return `the journal is damaged: ${describeError(error)}`;
    if (io >= IO_MAX) return `the disk does not take the journal: ${describeError(error)}`;
    return undefined;
  };
}
