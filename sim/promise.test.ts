/** The promise of docs/protocol.md, clause by clause, names tests: they exist, under these names. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = new URL("../", import.meta.url);
const text = readFileSync(fileURLToPath(new URL("docs/protocol.md", root)), "utf8");
const clauses = [...text.matchAll(/^\| (.+) \| `([^`]+\.test\.ts)`: "(.+)" \|$/gm)];

test("there are clauses", () => expect(clauses.length).toBeGreaterThan(20));

test.each(clauses.map(([, clause, file, name]) => [clause, file, name] as const))(
  "%s",
  (_clause, file = "", name = "") => {
    const path = fileURLToPath(new URL(file, root));
    expect(existsSync(path), file).toBe(true);
    expect(readFileSync(path, "utf8")).toContain(name);
  },
);
