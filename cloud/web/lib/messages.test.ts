/** The message files: complete in both locales, same arguments, and no words that nobody uses. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTranslator } from "use-intl/core";
import { describe, expect, it } from "vitest";
import { AUDIT_ACTIONS } from "../../core/audit.ts";
import { COMMAND_KINDS } from "../../../shared/command.ts";
import appEn from "../messages/en.json" with { type: "json" };
import guestEn from "../messages/guest.en.json" with { type: "json" };
import guestPtBR from "../messages/guest.pt-BR.json" with { type: "json" };
import appPtBR from "../messages/pt-BR.json" with { type: "json" };

const en = { ...appEn, ...guestEn };
const ptBR = { ...appPtBR, ...guestPtBR };

const WEB = fileURLToPath(new URL("../", import.meta.url));

type Tree = { [key: string]: string | Tree };

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

const sources = readdirSync(WEB, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name) && !name.endsWith(".test.ts"))
  .map((name) => readFileSync(join(WEB, name), "utf8"))
  .join("\n");

/** Keys as they stand in the sources: literals, templates with holes, families looked up by code. */
const literals = new Set([...sources.matchAll(/"((?:\w+\.)+[\w-]+)"/g)].map((match) => match[1]!));
const templates = [...sources.matchAll(/\bt\(`((?:\w+\.)+[^`]*)`/g)].map(
  (match) => new RegExp(`^${match[1]!.replace(/\./g, "\\.").replace(/\$\{.*?\}(?=$|[^)])/g, "[\\w-]+")}$`),
);
const families = [...sources.matchAll(/\bcode\("(\w+)"/g)].map(
  (match) => new RegExp(`^${match[1]}\\.[\\w-]+$`),
);

const isUsed = (key: string) =>
  literals.has(key) || [...templates, ...families].some((pattern) => pattern.test(key));

const pt = leaves(ptBR);
const english = new Map(leaves(en));

describe("messages", () => {
  it("has the same keys in both locales", () => {
    expect([...english.keys()].sort()).toEqual(pt.map(([key]) => key).sort());
  });

  it("uses the same arguments in both locales", () => {
    const differing = pt.filter(([key, text]) => {
      const other = english.get(key) ?? "";
      return argumentsOf(text).join() !== argumentsOf(other).join();
    });
    expect(differing.map(([key]) => key)).toEqual([]);
  });

  it("has no key that nobody uses", () => {
    expect(pt.map(([key]) => key).filter((key) => !isUsed(key))).toEqual([]);
  });

  it("has words for everything that the audit says, and for nothing else", () => {
    const actions = AUDIT_ACTIONS.map((action) => action.replaceAll(".", "-"));
    expect(Object.keys(appEn.auditAction).sort()).toEqual([...actions, "command"].sort());
    // A message as it stands is shown by its action.
    expect(COMMAND_KINDS.filter((kind) => !Object.hasOwn(appEn.intent, kind))).toEqual(["Call"]);
  });

  it("would notice a key that nobody uses", () => {
    expect(isUsed("overview.noSuchKey")).toBe(false);
  });

  it.each([
    ["pt-BR", ptBR],
    ["en", en],
  ] as const)("is well-formed ICU in %s", (locale, messages) => {
    const broken: string[] = [];
    const t = createTranslator({
      locale,
      messages: messages as typeof ptBR,
      onError: (error) => broken.push(error.message),
    });
    for (const [key, text] of leaves(messages)) {
      const values = Object.fromEntries(argumentsOf(text).map((name) => [name, 2]));
      (t as (key: string, values: Record<string, number>) => string)(key, values);
    }
    expect(broken).toEqual([]);
  });
});
