/**
 * The house rules that no linter knows: who may import whom, how long things may get, that files introduce
 * themselves.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const PROGRAMS = ["edge", "cloud", "sim", "bench"];
const FILE_LINES_MAX = 400;

function filesBelow(dir: string): string[] {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

const files = ["shared", ...PROGRAMS]
  .flatMap((dir) => filesBelow(join(ROOT, dir)))
  .filter((path) => /\.tsx?$/.test(path))
  .map((path) => {
    const text = readFileSync(path, "utf8");
    const imports = [...text.matchAll(/from "(\.[^"]+)"|import\("(\.[^"]+)"\)/g)].map((m) =>
      relative(ROOT, resolve(dirname(path), m[1] ?? m[2] ?? "")),
    );
    const name = relative(ROOT, path);
    return { name, text, lines: text.split("\n"), imports, isTest: /\.test\.tsx?$|harness\.ts$/.test(name) };
  });
const sources = files.filter((file) => !file.isTest);

const offending = (rule: (file: (typeof files)[number], imported: string) => boolean) =>
  sources.flatMap((file) =>
    file.imports.filter((i) => rule(file, i)).map((i) => `${file.name} imports ${i}`),
  );

describe("who may import whom", () => {
  it("shared imports no program", () => {
    expect(offending((f, i) => f.name.startsWith("shared/") && !i.startsWith("shared/"))).toEqual([]);
  });

  it("a core imports only shared and itself", () => {
    const outside = (f: string, i: string, core: string) =>
      f.startsWith(core) && !i.startsWith(core) && !i.startsWith("shared/");
    expect(
      offending((f, i) => outside(f.name, i, "edge/core/") || outside(f.name, i, "cloud/core/")),
    ).toEqual([]);
  });

  it("edge and cloud never meet", () => {
    const meet = (f: string, i: string) =>
      (f.startsWith("edge/") && i.startsWith("cloud/")) || (f.startsWith("cloud/") && i.startsWith("edge/"));
    expect(offending((f, i) => meet(f.name, i))).toEqual([]);
  });

  it("no program imports the simulator", () => {
    const program = (f: string) => f.startsWith("edge/") || f.startsWith("cloud/");
    expect(offending((f, i) => program(f.name) && (i.startsWith("sim/") || i.startsWith("bench/")))).toEqual(
      [],
    );
  });

  it("the page imports types of the API, what roles may, and shared code, nothing else of the cloud", () => {
    const other = (f: string, i: string) =>
      f.startsWith("cloud/web/") &&
      !i.startsWith("cloud/web/") &&
      !i.startsWith("shared/") &&
      i !== "cloud/core/access.ts" &&
      !/^cloud\/api\/([a-z]+-)?schemas\.ts$/.test(i);
    expect(offending((f, i) => other(f.name, i))).toEqual([]);
  });

  it("each package of the outside is wrapped by few files", () => {
    const wrappedBy = (name: string, dirs: RegExp) =>
      sources
        .filter((f) => dirs.test(f.name) && new RegExp(`from "${name}["/]`).test(f.text))
        .map((f) => f.name);
    expect(wrappedBy("better-sqlite3", /^(shared|edge|cloud)\//)).toEqual(["edge/io/journal-file.ts"]);
    expect(wrappedBy("ws", /^(shared|edge|cloud)\//)).toEqual(["edge/io/csms.ts"]);
    expect(wrappedBy("amqplib", /^(shared|edge|cloud)\//)).toEqual(["shared/link/amqp.ts"]);
    expect(wrappedBy("mqtt", /^(shared|edge|cloud)\//)).toEqual(["shared/link/mqtt.ts"]);
    expect(wrappedBy("better-auth", /^(shared|edge|cloud)\//)).toEqual(["cloud/sign-in.ts"]);
    expect(wrappedBy("@better-auth/passkey", /^(shared|edge|cloud)\//)).toEqual(["cloud/sign-in.ts"]);
    expect(wrappedBy("pg", /^(shared|edge|cloud)\//)).toEqual(["cloud/db/pool.ts"]);
  });
});

it("properties draw from one seed, as often as they are asked to", () => {
  const alone = files.filter(
    (f) =>
      /\.test\.tsx?$/.test(f.name) &&
      /from "fast-check"|numRuns: \d/.test(f.text) &&
      f.name !== "sim/tidy.test.ts",
  );
  expect(alone.map((f) => f.name)).toEqual([]);
});

describe("the shape of files", () => {
  it("none is longer than 400 lines", () => {
    const long = sources
      .filter((f) => f.lines.length > FILE_LINES_MAX && !f.name.endsWith(".gen.ts"))
      .map((f) => `${f.name}: ${f.lines.length}`);
    expect(long).toEqual([]);
  });

  it("each opens with what it is", () => {
    const silent = sources.filter(
      (f) =>
        f.name.endsWith(".ts") &&
        !f.name.endsWith(".gen.ts") &&
        !f.text.startsWith("/**") &&
        !f.text.startsWith("#!"),
    );
    expect(silent.map((f) => f.name)).toEqual([]);
  });

  it("no line is longer than 120 columns", () => {
    const wide = sources.flatMap((f) =>
      f.lines.flatMap((line, i) =>
        line.length > 120 && f.name !== "shared/dictionary.ts" && !f.name.endsWith(".gen.ts")
          ? [`${f.name}:${i + 1}`]
          : [],
      ),
    );
    expect(wide).toEqual([]);
  });

  it("none speaks of unfinished work", () => {
    const words = new RegExp(["TO" + "DO", "FIX" + "ME", "XX" + "X"].map((w) => `\\b${w}\\b`).join("|"));
    expect(files.filter((f) => words.test(f.text)).map((f) => f.name)).toEqual([]);
  });
});
