/**
 * The course of a running transaction as the ER remembers it: registers and the station's words for the charging,
 * enough to price it again at any moment.
 *
 * Durable, so bounded. Of each quarter of an hour only the first and the last register are kept: between two of
 * them energy counts as taken evenly, and bands that begin at a quarter lose nothing.
 */
import { COURSE_REGISTERS_MAX, COURSE_WORDS_MAX } from "../../shared/limits.ts";

export type Course = {
  /** Time (Unix ms) and register (Wh), in turn. */
  registers: number[];
  words: [at: number, word: string][];
};

const QUARTER_MS = 15 * 60_000;
const quarterOf = (at: number | undefined) => Math.floor((at ?? Number.NaN) / QUARTER_MS);

export const emptyCourse = (): Course => ({ registers: [], words: [] });

/** Every second one goes, but the last. */
function thin(registers: readonly number[]): number[] {
  const last = registers.length / 2 - 1;
  return registers.filter((_value, index) => {
    const pair = Math.floor(index / 2);
    return pair % 2 === 0 || pair === last;
  });
}

/** What comes out of its order, or falls, says nothing new. */
export function addRegister(course: Course, at: number, wh: number): void {
  const { registers } = course;
  const count = registers.length;
  if (count > 0 && (at <= (registers[count - 2] ?? 0) || wh < (registers[count - 1] ?? 0))) return;
  const quarter = quarterOf(at);
  const between = quarterOf(registers[count - 2]) === quarter && quarterOf(registers[count - 4]) === quarter;
  if (between) registers.splice(-2, 2, at, wh);
  else registers.push(at, wh);
  if (registers.length > 2 * COURSE_REGISTERS_MAX) course.registers = thin(registers);
}

/** Beyond the bound the last one is replaced: a contact that chatters is worth no memory. */
export function addWord({ words }: Course, at: number, word: string): void {
  const last = words.at(-1);
  if (last !== undefined && (last[1] === word || at < last[0])) return;
  if (words.length >= COURSE_WORDS_MAX) words.pop();
  words.push([at, word]);
}
