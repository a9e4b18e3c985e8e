/** Every flag leads somewhere, every kind has something that can be done, ids are read as they are made. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  actionsOf,
  INFORMATION_FLAGS,
  KIND_OF_FLAG,
  REVIEW_ACTIONS,
  REVIEW_KINDS,
  subjectOf,
  type ReviewKind,
} from "./review.ts";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const sources = (folder: string, names: RegExp) =>
  readdirSync(new URL(folder, import.meta.url))
    .filter((name) => names.test(name) && !name.includes(".test."))
    .map((name) => read(`${folder}/${name}`));

/** Texts in the brackets that follow one of the given words. */
const flagsAfter = (text: string, words: string) =>
  [...text.matchAll(new RegExp(`(?:${words})[^"\\n]*((?:"[a-z-]+"[, ]*)+)`, "g"))].flatMap((match) =>
    [...(match[1] ?? "").matchAll(/"([a-z-]+)"/g)].map((m) => m[1] ?? ""),
  );

describe("no flag is dropped in silence", () => {
  const known = (flag: string) =>
    flag in KIND_OF_FLAG || INFORMATION_FLAGS.has(flag) || flag.startsWith("token-");

  test("each that a projection sets is work or information", () => {
    const flags = sources(".", /^project.*\.ts$/).flatMap((text) => flagsAfter(text, "addFlags\\("));
    expect(flags).toContain("register-fell");
    expect(flags).toContain("unknown-capped");
    expect(flags.filter((flag) => !known(flag))).toEqual([]);
  });

  test("each that the merge of rows sets is, too", () => {
    const sql = read("../ingest/transaction-sql.ts");
    const flags = [...sql.matchAll(/'\{([a-z-]+)\}'/g)].map((match) => match[1] ?? "");
    expect(flags).toContain("time-estimated");
    expect(flags.filter((flag) => !known(flag))).toEqual([]);
  });

  test("and each that an ER writes into its journal about a transaction", () => {
    // A meter's flags are shown with its readings.
    const flags = sources("../../edge/core", /^(?!meter).*\.ts$/).flatMap((text) => [
      ...flagsAfter(text, "flags\\.push\\("),
      ...flagsAfter(text, "flags: \\["),
      ...[...text.matchAll(/onMessage\([^;]*\["([a-z-]+)"\]\)/g)].map((match) => match[1] ?? ""),
    ]);
    flags.push(...flagsAfter(read("../../shared/ocpp/read-call.ts"), "const LOST = \\["));
    for (const flag of ["orphan-stop", "conflicting-stop", "matched-by-guess", "schema-violation"]) {
      expect(flags).toContain(flag);
    }
    expect(flags.filter((flag) => !known(flag))).toEqual([]);
  });
});

test("something can be done about every kind, and every action is good for something", () => {
  const without = REVIEW_KINDS.filter((kind) => actionsOf([kind]).length === 0);
  expect(without).toEqual([]);
  expect(actionsOf([...REVIEW_KINDS])).toEqual([...REVIEW_ACTIONS]);
  expect(actionsOf(["time-implausible", "orphan-stop"])).toEqual(["merge", "accept", "write-off"]);
});

test("every flag leads to a kind that is there", () => {
  const kinds = new Set<ReviewKind>(REVIEW_KINDS);
  expect(Object.values(KIND_OF_FLAG).filter((kind) => !kinds.has(kind))).toEqual([]);
});

describe("ids of items", () => {
  const id = "0198c5b2-7a10-7000-8000-00000000000a";
  test.each([
    [`transaction:${id}`, { kind: "transaction", transactionId: id }],
    [`command:${id}`, { kind: "command", commandId: id }],
    [`parked:er-1:${id}:12`, { kind: "parked", erId: "er-1", journalId: id, seq: 12 }],
    [`gap:er_1:${id}:1`, { kind: "gap", erId: "er_1", journalId: id, seq: 1 }],
    [`set-aside:er-1:${id}:1`, { kind: "set-aside", erId: "er-1", journalId: id, seq: 1 }],
    [`halted:er-1:${id}`, { kind: "halted", erId: "er-1", journalId: id }],
    [`shed:er-1:${id}`, { kind: "shed", erId: "er-1", journalId: id }],
  ])("%s", (reviewId, subject) => expect(subjectOf(reviewId)).toEqual(subject));

  test.each([
    "",
    "transaction:",
    `transaction:${id}:1`,
    `parked:er-1:${id}`,
    `parked:er 1:${id}:1`,
    `other:${id}`,
  ])("%s is none", (reviewId) => expect(subjectOf(reviewId)).toBeUndefined());
});
