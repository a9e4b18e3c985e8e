/**
 * The jobs of payments: guests step by step, what is to be asked of providers, what they told, what they did
 * not.
 */
import { workEvents } from "../pay/events.ts";
import { workGuests } from "../pay/guest.ts";
import type { Pay } from "../pay/providers.ts";
import { readPayouts } from "../pay/payouts.ts";
import { reconcile } from "../pay/reconcile.ts";
import { workPayments } from "../pay/work.ts";
import type { Job } from "./runner.ts";

export const paymentJobs = (pay: Pay): Job[] => [
  {
    name: "guests",
    everyMs: 1_000,
    fails: "a guest's session could not go on",
    run: () => workGuests(pay),
  },
  {
    name: "payments",
    everyMs: 1_000,
    fails: "payment providers could not be asked",
    run: () => workPayments(pay),
  },
  {
    name: "payment-events",
    everyMs: 1_000,
    fails: "what payment providers told could not be read",
    run: () => workEvents(pay),
  },
  {
    name: "payment-reconciliation",
    everyMs: 15_000,
    fails: "payments could not be compared with their providers",
    done: "payments stood otherwise at their providers",
    run: () => reconcile(pay),
  },
  {
    name: "payouts",
    everyMs: 60_000,
    fails: "payouts of providers could not be read",
    run: () => readPayouts(pay),
  },
];
