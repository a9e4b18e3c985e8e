/**
 * What can go wrong in a frame: in its payload, in its shape, in its JSON, in its bytes.
 *
 * A mutation may leave the frame valid: whoever judges it looks at the frame, not at what was done to it.
 */
import type { Chance } from "../world/chance.ts";

type Holder = Record<string, unknown>;

const isHolder = (value: unknown): value is Holder => typeof value === "object" && value !== null;

/** Every place of a value, as the thing that holds it and its name there. */
function places(root: unknown): { holder: Holder; name: string }[] {
  const found: { holder: Holder; name: string }[] = [];
  const queue: unknown[] = [root];
  for (let value = queue.shift(); value !== undefined; value = queue.shift()) {
    if (!isHolder(value)) continue;
    for (const name of Object.keys(value)) {
      found.push({ holder: value, name });
      queue.push(value[name] ?? null);
    }
    if (found.length > 500) break;
  }
  return found;
}

function nested(levels: number): unknown {
  let value: unknown = {};
  for (let n = 0; n < levels; n++) value = n % 2 === 0 ? [value] : { a: value };
  return value;
}

const ODD_TEXTS = [
  "",
  " ",
  "\u0000",
  "\ud800",
  "\udc00\ud800",
  "\u202e\ufeff",
  "__proto__",
  "constructor",
  "toString",
  "NaN",
  "null",
  "-0",
  "1e400",
  "2026-02-30T25:61:61Z",
  "2023-10-19T15:28:07",
  "2026-11-01T13:00:00+03",
  "1970-01-01T00:00:00Z",
  "+275760-09-13T00:00:00.000Z",
  "'; drop table stations; --",
  "<script>alert(1)</script>",
  "../../etc/passwd",
  "%00%2e%2e",
  "𝄞".repeat(30),
] as const;
const ODD_NUMBERS = [
  -1,
  -0,
  0.1,
  1e21,
  1e-7,
  4_294_967_296,
  4_296_944_685,
  2 ** 53,
  -(2 ** 63),
  Number.MAX_VALUE,
  Number.MIN_VALUE,
] as const;
const NAMES = [
  "__proto__",
  "constructor",
  "prototype",
  "hasOwnProperty",
  "toString",
  "customData",
  "x",
  "",
] as const;

/** A value of another kind than the one that stands there. */
function odd(chance: Chance, value: unknown): unknown {
  switch (chance.between(0, 9)) {
    case 0:
      return null;
    case 1:
      return chance.pick(ODD_TEXTS);
    case 2:
      return chance.pick(ODD_NUMBERS);
    case 3:
      return typeof value === "string" ? Number(value) || 7 : JSON.stringify(value);
    case 4:
      return [];
    case 5:
      // What cannot be made a text of throws where somebody tries.
      return chance.pick<object>([{}, { toString: 1, valueOf: 1 }, { length: 3 }]);
    case 6:
      return chance.happens(0.5);
    case 7:
      return "x".repeat(chance.pick([21, 26, 51, 256, 1_001, 6_000]));
    case 8:
      return nested(chance.pick([1, 3, 63, 65, 400]));
    default:
      return [value, value];
  }
}

/** Changes one thing of a payload, in place. */
function mutateOnce(chance: Chance, payload: Holder): void {
  const all = places(payload);
  const place = all[chance.between(0, Math.max(0, all.length - 1))];
  if (place === undefined || chance.happens(0.08)) {
    define(payload, chance.pick(NAMES), odd(chance, "x"));
    return;
  }
  const { holder, name } = place;
  const value = holder[name];
  switch (chance.between(0, 7)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(name), 1);
      else delete holder[name];
      return;
    case 1:
      if (Array.isArray(value))
        value.push(...Array.from({ length: chance.pick([1, 5, 60]) }, () => value[0] ?? {}));
      else define(holder, `${name}2`, value);
      return;
    case 2:
      if (isHolder(value) && !Array.isArray(value)) define(value, chance.pick(NAMES), odd(chance, "x"));
      else define(holder, name, odd(chance, value));
      return;
    case 3:
      if (typeof value === "string") define(holder, name, value.toUpperCase() + chance.pick(["", " ", "!"]));
      else define(holder, name, odd(chance, value));
      return;
    default:
      define(holder, name, odd(chance, value));
  }
}

/** As `JSON.parse` does: `__proto__` becomes a property like any other. */
function define(holder: Holder, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, writable: true, enumerable: true, configurable: true });
}

/** @returns a changed copy. */
export function mutatePayload(chance: Chance, payload: Holder): Holder {
  const copy = structuredClone(payload);
  for (let n = chance.pick([1, 1, 1, 2, 3, 8]); n > 0; n--) mutateOnce(chance, copy);
  return copy;
}

/** The elements of a frame, not as they should be. */
export function mutateShape(chance: Chance, frame: readonly unknown[]): unknown {
  const copy = [...frame];
  switch (chance.between(0, 8)) {
    case 0:
      return copy.slice(0, chance.between(0, 3));
    case 1:
      return [...copy, {}, null];
    case 2:
      copy[0] = chance.pick([0, 1, 3, 4, 5, 6, 7, -2, 2.5, "2", null, [], {}]);
      return copy;
    case 3:
      copy[1] = chance.pick([
        "",
        7,
        null,
        {},
        [],
        "x".repeat(37),
        "y".repeat(128),
        "z".repeat(129),
        "\ud800",
        "__proto__",
      ]);
      return copy;
    case 4:
      copy[2] = chance.pick([
        "",
        "MakeTea",
        "__proto__",
        "constructor",
        "toString",
        1,
        null,
        {},
        "x".repeat(65),
        "heartbeat",
        "Reset",
      ]);
      return copy;
    case 5:
      copy[3] = chance.pick([null, [], "x", 1, true, nested(70)]);
      return copy;
    case 6:
      return Object.fromEntries(copy.entries());
    case 7:
      return copy.reverse();
    default:
      return [copy];
  }
}

/** The text of a frame, broken: cut, doubled, stray signs, blanks, slips that real stations make. */
export function mutateText(chance: Chance, text: string): string {
  const at = chance.between(0, text.length);
  switch (chance.between(0, 11)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(at);
    case 2:
      return text + text;
    case 3:
      return (
        text.slice(0, at) +
        chance.pick([",", "]", "}", '"', "\\", "\u0000", "\n", "{", "[", "NaN", "\ud800"]) +
        text.slice(at)
      );
    case 4:
      return text.slice(0, at) + text.slice(at + 1);
    case 5:
      return text.replace("[{", "[,{");
    case 6:
      return text.replace(/:("[^"]*"|\d+)([,}])/, ":$2");
    case 7:
      return text.replaceAll(",", " ,\n ");
    case 8:
      return `\ufeff${text}`;
    case 9:
      return text.replace(/\}\]$/, ",}]");
    case 10:
      return text.replace(/:(-?\d+)/, chance.pick([":NaN", ":0$1", ":$1.", ":+$1", ":1e999"]));
    default:
      return text.replaceAll('"', "'");
  }
}

/** Anything at all. */
export function rawText(chance: Chance): string {
  const length = chance.pick([0, 1, 3, 17, 200, 3_000]);
  const signs = chance.happens(0.5) ? '[]{}",:\\ 0123456789.-+eEtrufalsn' : undefined;
  return Array.from({ length }, () =>
    signs === undefined
      ? String.fromCharCode(chance.between(0, 0xffff))
      : (signs[chance.between(0, signs.length - 1)] ?? ""),
  ).join("");
}
