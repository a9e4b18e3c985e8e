/**
 * The jobs role: what must happen now and then. Level-triggered: every run looks at what is and does what is
 * missing, so that several copies and missed runs do no harm (`runner.ts`).
 */
import { readKeepDays, type KeepDays } from "../core/retention.ts";
import { ensurePartitions } from "../db/partitions.ts";
import type { Pool } from "../db/pool.ts";
import type { FileFolder } from "../files.ts";
import type { Mailer } from "../mail.ts";
import type { Pay } from "../pay/providers.ts";
import { cleanSignIn } from "../throttle.ts";
import type { WebhookSettings } from "../webhook-send.ts";
import { lookAtAlarms } from "./alarms.ts";
import { moneyJobs } from "./money.ts";
import { paymentJobs } from "./payments.ts";
import { rollUpEnergy } from "./energy.ts";
import { expireExports, makeExports } from "./exports.ts";
import { startRunner, type Job, type OnLog } from "./runner.ts";
import { sendMails } from "./send-mail.ts";
import { runErasures } from "./erasures.ts";
import { trimOld } from "./retention.ts";
import { createDeliverer } from "./webhook-delivery.ts";

const HOUR_MS = 60 * 60_000;

/**
 * Sites where listed tokens were used since yesterday's policy get a new one: it names the tokens that the
 * stations there keep in lists of their own. @returns how many sites.
 */
export async function refreshPolicies(pool: Pool): Promise<number> {
  const { rows } = await pool.query(
    `with refreshed as (
       update site s set policy_version =
         greatest(policy_version + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)
       where to_timestamp(s.policy_version / 1000.0) < now() - interval '1 day' and exists (
         select from transaction t
         join id_token k on k.operator_id = s.operator_id and lower(k.id_token) = lower(t.id_token)
         where t.site_id = s.site_id and t.started_at > to_timestamp(s.policy_version / 1000.0))
       returning s.operator_id, s.site_id
     )
     select pg_notify('sg_policy', operator_id) from refreshed group by operator_id, site_id`,
  );
  return rows.length;
}

export type JobOptions = {
  pool: Pool;
  /** Without it mails wait. */
  mailer?: Mailer | undefined;
  webhooks?: WebhookSettings;
  /** Where exports are kept; without it they wait. */
  files?: FileFolder;
  /** Without it payments wait, and webhooks whose secrets its key has sealed. */
  pay?: Pay;
  /** How long what is kept; else as usual. */
  keep?: KeepDays;
};

/** Everything that happens now and then: the one place to add to. */
export function allJobs(options: JobOptions): Job[] {
  const { pool, mailer, files, pay, webhooks = { allowPrivate: false }, keep = readKeepDays() } = options;
  const deliverer = createDeliverer(pool, webhooks, pay?.box);
  return [
    {
      name: "partitions",
      everyMs: HOUR_MS,
      fails: "partitions could not be made",
      done: "partitions made",
      run: () => ensurePartitions(pool, new Date()),
    },
    {
      name: "retention",
      everyMs: HOUR_MS,
      fails: "something that is old could not be removed",
      done: "what is old was removed",
      run: () => trimOld(pool, keep, files),
    },
    {
      name: "sign-in",
      everyMs: HOUR_MS,
      fails: "sessions that have run out could not be removed",
      run: () => cleanSignIn(pool),
    },
    {
      name: "erasures",
      everyMs: 60_000,
      fails: "what mentions a person who is gone could not be gone through",
      done: "people who are gone are nowhere any more",
      run: () => runErasures(pool),
    },
    {
      name: "policies",
      everyMs: HOUR_MS,
      fails: "policies could not be renewed",
      done: "policies renewed: tokens used of late",
      run: () => refreshPolicies(pool),
    },
    {
      name: "alarms",
      everyMs: 30_000,
      fails: "an alarm rule could not be looked at",
      done: "alarms raised or cleared",
      run: () => lookAtAlarms(pool),
    },
    {
      name: "energy-hours",
      everyMs: 60_000,
      fails: "hours of energy could not be added up",
      run: () => rollUpEnergy(pool),
    },
    {
      name: "webhooks",
      everyMs: 1_000,
      fails: "events could not be sent",
      run: () => deliverer.begin(),
      stop: () => deliverer.settled(),
    },
    ...moneyJobs(pool),
    ...(pay === undefined ? [] : paymentJobs(pay)),
    ...(files === undefined
      ? []
      : [
          {
            name: "exports",
            everyMs: 3_000,
            fails: "exports could not be made",
            done: "exports made",
            run: () => makeExports(pool, files),
          },
          {
            name: "old-exports",
            everyMs: 60_000,
            fails: "old exports could not be removed",
            done: "old exports removed",
            run: () => expireExports(pool, files),
          },
        ]),
    ...(mailer === undefined
      ? []
      : [
          {
            name: "mail",
            everyMs: 2_000,
            fails: "mails could not be sent",
            run: () => sendMails(pool, mailer),
          },
        ]),
  ];
}

export const startJobs = (options: JobOptions & { onLog: OnLog }) =>
  startRunner(allJobs(options), options.onLog);
