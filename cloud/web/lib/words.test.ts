/**
 * The files of words: complete in every language, same arguments, no words that nobody uses; and no page that shows
 * words which it does not ask for.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createTranslator } from "use-intl/core";
import { describe, expect, it } from "vitest";
import { COMMAND_KINDS } from "../../../shared/command.ts";
import { AUDIT_ACTIONS } from "../../core/audit.ts";
import { AREAS, LOCALES, type Locale, type Messages } from "./i18n.ts";

const WEB = fileURLToPath(new URL("../", import.meta.url));

type Tree = { [key: string]: string | Tree };

const wordsOf = (locale: Locale, area: string) =>
  JSON.parse(readFileSync(join(WEB, "messages", locale, `${area}.json`), "utf8")) as Tree;

const all = (locale: Locale): Tree =>
  Object.assign({}, ...AREAS.map((area) => wordsOf(locale, area))) as Tree;

function leaves(tree: Tree, prefix = ""): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "string"
      ? [[prefix + key, value] as [string, string]]
      : leaves(value, `${prefix}${key}.`),
  );
}

/** Names of the ICU arguments. A brace opens an argument in a message, and a message in an argument. */
function argumentsOf(message: string): string[] {
  const names = new Set<string>();
  let depth = 0;
  for (const [, brace, name] of message.matchAll(/([{}])\s*(\w*)/g)) {
    if (brace === "{" && depth % 2 === 0) names.add(name!);
    depth += brace === "{" ? 1 : -1;
  }
  return [...names].sort();
}

const sources = new Map(
  readdirSync(WEB, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !/\.(test|gen)\.ts$/.test(name))
    .map((name) => [name, readFileSync(join(WEB, name), "utf8")]),
);

const LITERAL = /"((?:\w+\.)+[\w-]+)"/g;
const TEMPLATE = /\bt\(\s*`((?:\w+\.)+[^`]*)`/g;
const FAMILY = /\bcode\(\s*"(\w+)"/g;

const found = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]!);
const everywhere = [...sources.values()].join("\n");

/** Keys as they stand in the sources: literals, templates with holes, families looked up by code. */
const literals = new Set(found(everywhere, LITERAL));
const patterns = [
  ...found(everywhere, TEMPLATE).map(
    (text) => new RegExp(`^${text.replace(/\./g, "\\.").replace(/\$\{.*?\}(?=$|[^)])/g, "[\\w-]+")}$`),
  ),
  ...found(everywhere, FAMILY).map((family) => new RegExp(`^${family}\\.[\\w-]+$`)),
];

const isUsed = (key: string) => literals.has(key) || patterns.some((pattern) => pattern.test(key));

const pt = leaves(all("pt-BR"));

describe("words", () => {
  it.each(LOCALES)("has the same keys in the same areas: %s", (locale) => {
    for (const area of AREAS) {
      const keys = leaves(wordsOf(locale, area)).map(([key]) => key);
      expect(keys.sort(), area).toEqual(
        leaves(wordsOf("pt-BR", area))
          .map(([key]) => key)
          .sort(),
      );
    }
    const files = readdirSync(join(WEB, "messages", locale));
    expect(files.sort()).toEqual(AREAS.map((area) => `${area}.json`).sort());
  });

  it("keeps each word in one area", () => {
    const names = AREAS.flatMap((area) => Object.keys(wordsOf("pt-BR", area)));
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it.each(LOCALES)("uses the same arguments: %s", (locale) => {
    const others = new Map(leaves(all(locale)));
    const differing = pt.filter(
      ([key, text]) => argumentsOf(text).join() !== argumentsOf(others.get(key) ?? "").join(),
    );
    expect(differing.map(([key]) => key)).toEqual([]);
  });

  it("has no key that nobody uses", () => {
    expect(pt.map(([key]) => key).filter((key) => !isUsed(key))).toEqual([]);
  });

  it("has words for everything that the audit says, and for nothing else", () => {
    const actions = AUDIT_ACTIONS.map((action) => action.replaceAll(".", "-"));
    expect(Object.keys(all("en")["auditAction"]!).sort()).toEqual([...actions, "command"].sort());
    // A message as it stands is shown by its action.
    expect(COMMAND_KINDS.filter((kind) => !Object.hasOwn(all("en")["intent"] as Tree, kind))).toEqual([
      "Call",
    ]);
  });

  it("would notice a key that nobody uses", () => {
    expect(isUsed("overview.noSuchKey")).toBe(false);
  });

  it.each(LOCALES)("is well-formed ICU: %s", (locale) => {
    const messages = all(locale);
    const broken: string[] = [];
    const t = createTranslator({
      locale,
      messages: messages as unknown as Messages,
      onError: (error) => broken.push(error.message),
    });
    for (const [key, text] of leaves(messages)) {
      const values = Object.fromEntries(argumentsOf(text).map((name) => [name, 2]));
      (t as (key: string, values: Record<string, number>) => string)(key, values);
    }
    expect(broken).toEqual([]);
  });
});

/** What a program or a page that is fetched by itself may show: its own areas and those of who fetches it. */
type Part = { name: string; areas: ReadonlySet<string> };

const WITH_WORDS = /withWords\(\s*(\[[^\]]*\]),\s*\(\) => import\("(\.[^"]+)"\)/g;
const IMPORT = /^(?:import|export)\s+(?!type\b)[^;]*?"(\.[^"]+)";$|\bimport\("(\.[^"]+)"\)/gm;

const at = (name: string, path: string) => relative(WEB, resolve(WEB, dirname(name), path));

/** All that comes with a part, and the parts that it fetches when they are wanted. */
function follow(part: Part): { files: string[]; parts: Part[] } {
  const files = new Set([part.name]);
  const parts: Part[] = [];
  for (const name of files) {
    const text = sources.get(name) ?? "";
    const fetched = [...text.matchAll(WITH_WORDS)].map(([, areas, path]) => ({
      name: at(name, path!),
      areas: new Set([...part.areas, ...(JSON.parse(areas!.replace(/,\s*\]$/, "]")) as string[])]),
    }));
    parts.push(...fetched);
    for (const [, always, later] of text.matchAll(IMPORT)) {
      const imported = at(name, always ?? later!);
      if (sources.has(imported) && !fetched.some((one) => one.name === imported)) files.add(imported);
    }
  }
  return { files: [...files], parts };
}

const areaOf = new Map(
  AREAS.flatMap((area) => Object.keys(wordsOf("pt-BR", area)).map((name) => [name, area as string])),
);
const keys = new Set(pt.map(([key]) => key));

/** Areas of the words that a file shows. */
function areasIn(text: string): Set<string> {
  const names = [
    ...found(text, LITERAL).filter((key) => keys.has(key)),
    ...found(text, TEMPLATE),
    ...found(text, FAMILY),
  ];
  return new Set(names.map((name) => areaOf.get(name.split(".")[0]!) ?? "no area"));
}

function missing(start: Part): { parts: Part[]; faults: string[] } {
  const seen = new Map<string, Part>();
  const faults = new Set<string>();
  const queue = [start];
  for (let part = queue.shift(); part !== undefined; part = queue.shift()) {
    const key = `${part.name} ${[...part.areas].sort().join()}`;
    if (seen.has(key)) continue;
    seen.set(key, part);
    const { files, parts } = follow(part);
    for (const name of files)
      for (const area of areasIn(sources.get(name)!))
        if (!part.areas.has(area)) faults.add(`${part.name} does not ask for ${area}, which ${name} shows`);
    queue.push(...parts);
  }
  return { parts: [...seen.values()], faults: [...faults] };
}

describe("what is fetched together", () => {
  it("asks for the words of every page with the page", () => {
    const { parts, faults } = missing({ name: "app.tsx", areas: new Set(["base"]) });
    expect(faults).toEqual([]);
    const pages = [...sources.keys()].filter((name) => name.startsWith("pages/"));
    const reached = new Set(parts.flatMap((part) => follow(part).files));
    expect(pages.filter((name) => !reached.has(name))).toEqual([]);
  });

  it("asks for no words that a page does not show", () => {
    const { parts } = missing({ name: "app.tsx", areas: new Set(["base"]) });
    const idle = parts.flatMap((part) => {
      const shown = new Set(follow(part).files.flatMap((name) => [...areasIn(sources.get(name)!)]));
      const always = new Set(["base", "inside"]);
      return [...part.areas]
        .filter((area) => !always.has(area) && !shown.has(area))
        .map((area) => [part.name, area]);
    });
    expect(idle).toEqual([]);
  });

  it("gives guests their own words and no others", () => {
    expect(missing({ name: "guest/app.tsx", areas: new Set(["guest"]) }).faults).toEqual([]);
  });

  it("would notice words that were not asked for", () => {
    const { faults } = missing({ name: "pages/tariff.tsx", areas: new Set(["base", "inside"]) });
    expect(faults.join()).toContain("does not ask for tariffs");
  });
});
