/**
 * The jobs of money: what is over is billed, months that are over get their statements, balances are summed
 * up.
 */
import type { Pool } from "../db/pool.ts";
import { refreshBalances } from "./balances.ts";
import { makeCdrs } from "./cdrs.ts";
import type { Job } from "./runner.ts";
import { makeStatements } from "./statements.ts";

const HOUR_MS = 3_600_000;
/** The longest that a run bills; the next one goes on. */
const CDR_RUN_MS = 10_000;

export const moneyJobs = (pool: Pool): Job[] => [
  {
    // A guest waits at the station for what it cost.
    name: "cdrs",
    everyMs: 3_000,
    fails: "transactions could not be billed",
    run: () => makeCdrs(pool, CDR_RUN_MS),
  },
  {
    name: "statements",
    everyMs: HOUR_MS,
    fails: "statements could not be made",
    done: "statements made",
    run: () => makeStatements(pool),
  },
  {
    name: "balances",
    everyMs: HOUR_MS,
    fails: "balances could not be summed up",
    run: () => refreshBalances(pool),
  },
];
