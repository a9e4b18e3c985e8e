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

const STAMP_MS = 5 * 60_000;
const PAST_MS = 366 * 86_400_000;
/** Stations without a clock, or with a wrong one, tell when it was by telling it. */
export const toldAt = (stamp: number | undefined, at: number): number =>
  stamp !== undefined && stamp <= at + STAMP_MS && stamp > at - PAST_MS ? stamp : at;

/** Every second one goes, but the last. */
function thin(registers: readonly number[]): number[] {
  const last = registers.length / 2 - 1;
  return registers.filter((_value, index) => {
    const pair = Math.floor(index / 2);
    return pair % 2 === 0 || pair === last;
  });
}

/** What comes out of its order, or falls, says nothing new. Of one moment the higher counts. */
export function addRegister(course: Course, at: number, wh: number): void {
  const { registers } = course;
  const count = registers.length;
  const [lastAt = -Infinity, lastWh = -Infinity] = registers.slice(-2);
  if (at < lastAt || wh < lastWh) return;
  if (at === lastAt) {
    registers[count - 1] = wh;
    return;
  }
  const quarter = quarterOf(at);
  const between = quarterOf(registers[count - 2]) === quarter && quarterOf(registers[count - 4]) === quarter;
  if (between) registers.splice(-2, 2, at, wh);
  else registers.push(at, wh);
  if (registers.length > 2 * COURSE_REGISTERS_MAX) course.registers = thin(registers);
}

/**
 * In the order of their times; of two of one moment the later told counts. Beyond the bound the last one is replaced:
 * a contact that chatters is worth no memory.
 */
export function addWord({ words }: Course, at: number, word: string): void {
  const before = words.findLastIndex(([time]) => time <= at);
  const known = words[before];
  if (known?.[1] === word) return;
  if (known?.[0] === at) words[before] = [at, word];
  else if (words.length < COURSE_WORDS_MAX) words.splice(before + 1, 0, [at, word]);
  else if (before === words.length - 1) words[before] = [at, word];
}
