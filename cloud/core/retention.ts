/**
 * How long what is kept: every table there is, and why. Pure; the deleting is `jobs/retention.ts`.
 *
 * What grows with use goes after a time, or stands here with the reason why it does not. A new table has no
 * place here and fails the test until somebody has thought about it.
 */
import { AppError } from "../../shared/errors.ts";
import { IDEMPOTENCY_HOURS } from "../../shared/limits.ts";

/** What is configured together: `SG_KEEP_DAYS="timeline=730 mails=30"`. */
export const KEEP_GROUPS = {
  timeline: { days: 400, min: 35, what: "messages of stations and what they told, commands, logs" },
  samples: { days: 400, min: 35, what: "readings of transactions and meters, states of connectors" },
  health: { days: 90, min: 2, what: "readings of the boxes themselves" },
  alarms: { days: 400, min: 7, what: "alarms that are over" },
  guests: { days: 400, min: 180, what: "guests' sessions, and payment providers' webhooks as they came" },
  webhooks: { days: 30, min: 1, what: "outgoing events with their deliveries" },
  mails: { days: 90, min: 1, what: "that a mail was sent or failed" },
} as const satisfies Record<string, { days: number; min: number; what: string }>;
export type KeepGroup = keyof typeof KEEP_GROUPS;
export type KeepDays = Readonly<Record<KeepGroup, number>>;

export type Retention =
  /** Rows `t` that are older by this column, and of which this holds. */
  | { how: "delete"; days: KeepGroup | number; age: string; and?: string }
  /** Months as a whole. */
  | { how: "partitions"; days: KeepGroup }
  /** The rows with their bytes. */
  | { how: "files"; days: KeepGroup }
  /** With the rows of another table that they belong to. */
  | { how: "with"; table: string }
  /** By a job of its own. */
  | { how: "job"; job: string }
  /** It is what the operator has and has set up: it grows with that, and not with time. */
  | { how: "bounded" }
  | { how: "kept"; why: string };

const BOOKS = "the books: kept as long as the law asks, and there is no law that says when they may go";
const TIMES = "a few rows for each start of a box; entries that arrive late get their times by it";
const KNOWN = "rare, and what is missing for ever has to be known for ever";

const kept = (why: string) => ({ how: "kept", why }) as const;
const bounded = { how: "bounded" } as const;
const job = (name: string) => ({ how: "job", job: name }) as const;
const ended = (age: string, and?: string) =>
  ({ how: "delete", days: "timeline", age, ...(and === undefined ? {} : { and }) }) as const;

/** Commands are named by what they ordered: they go after it. */
const NAMES_NO_COMMAND = `t.status not in ('pending', 'sent', 'accepted')
  and not exists (select from reservation r where t.command_id in (r.command_id, r.cancel_command_id))
  and not exists (select from charging_profile p where t.command_id in (p.command_id, p.clear_command_id))
  and not exists (select from guest_session g where t.command_id in (g.command_id, g.stop_command_id))`;

/** In the order in which they are gone through. */
export const RETENTION: Readonly<Record<string, Retention>> = {
  message: { how: "partitions", days: "timeline" },
  station_event: ended("at"),
  station_report: ended("at"),
  certificate_request: ended("at"),
  certificate_answer: ended("at"),
  parked_entry: ended("parked_at", "t.resolved_at is not null"),
  reservation: ended("expires_at"),
  file: { how: "files", days: "timeline" },
  transaction_sample: { how: "partitions", days: "samples" },
  meter_sample: { how: "partitions", days: "samples" },
  charge_state: { how: "delete", days: "samples", age: "at" },
  er_health: { how: "delete", days: "health", age: "at" },
  alarm: { how: "delete", days: "alarms", age: "cleared_at" },
  guest_session: {
    ...{ how: "delete", days: "guests", age: "updated_at" },
    and: "t.state in ('settled', 'released', 'expired') and t.look_at is null",
  },
  command: ended("issued_at", NAMES_NO_COMMAND),
  payment_event: { how: "delete", days: "guests", age: "received_at", and: "t.due_at is null" },
  sandbox_payment: { how: "delete", days: "guests", age: "created_at" },
  webhook_event: { how: "delete", days: "webhooks", age: "created_at" },
  webhook_delivery: { how: "with", table: "webhook_event" },
  mail: { how: "delete", days: "mails", age: "created_at", and: "t.status <> 'waiting'" },
  invitation: { how: "delete", days: 90, age: "expires_at" },
  idempotency: { how: "delete", days: IDEMPOTENCY_HOURS / 24, age: "created_at" },

  export: job("old-exports"),
  energy_due: job("energy-hours"),
  setup_code: job("sign-in"),
  auth_session: job("sign-in"),
  session_end: { how: "with", table: "auth_session" },
  auth_verification: job("sign-in"),
  auth_used_code: job("sign-in"),
  auth_throttle: job("sign-in"),

  transaction: kept(BOOKS),
  transaction_billing: kept(BOOKS),
  transaction_payer: kept(BOOKS),
  cdr: kept(BOOKS),
  payment: kept(BOOKS),
  refund: kept(BOOKS),
  payment_finding: kept(BOOKS),
  payout: kept(BOOKS),
  receipt: kept(BOOKS),
  receipt_customer: kept(BOOKS),
  statement: kept(BOOKS),
  statement_cdr: kept(BOOKS),
  statement_month: kept(BOOKS),
  ledger_account: kept(BOOKS),
  ledger_posting: kept(BOOKS),
  ledger_entry: kept(BOOKS),
  ledger_balance: kept(BOOKS),
  ledger_settled: kept(BOOKS),
  money_counter: kept(BOOKS),
  tariff: kept("prices that bills were made by"),
  tariff_version: kept("prices that bills were made by"),
  tariff_assignment: kept("prices that bills were made by"),
  review_resolution: kept("decisions of people about what is billed"),
  energy_hour: kept("sums of what goes: reports over years"),
  audit: kept("who did what; what it says of people who are gone is masked"),
  driver: kept("of who is gone the id alone, by which the books name them"),
  driver_erasure: kept("that somebody was erased, when and by whom; what was looked for is not"),
  erased_token: kept("a card that may be held to a station at any time"),
  er_boot: kept(TIMES),
  er_clock: kept(TIMES),
  journal: kept(TIMES),
  journal_gap: kept(KNOWN),
  journal_shed: kept(KNOWN),
  journal_set_aside: kept(KNOWN),
  api_key: kept("at most 500 that hold; the audit names those that are revoked"),

  operator: bounded,
  member: bounded,
  site: bounded,
  er: bounded,
  station: bounded,
  evse: bounded,
  evse_code: bounded,
  connector: bounded,
  meter: bounded,
  station_variable: bounded,
  station_variable_write: bounded,
  station_template: bounded,
  station_password: bounded,
  station_local_list: bounded,
  charging_profile: bounded,
  id_token: bounded,
  alarm_rule: bounded,
  webhook_endpoint: bounded,
  payment_provider: bounded,
  auth_user: bounded,
  auth_account: bounded,
  auth_passkey: bounded,
  auth_two_factor: bounded,
  auth_secret: bounded,
  signing_key: bounded,
  secrets_key: bounded,
  own_id: bounded,
};

const DAYS_MAX = 36_500;

/** `timeline=730 samples=60`; what is not named stays as usual. @throws AppError CONFIG_INVALID. */
export function readKeepDays(text = ""): KeepDays {
  const days = Object.fromEntries(
    Object.entries(KEEP_GROUPS).map(([group, usual]) => [group, usual.days]),
  ) as Record<KeepGroup, number>;
  for (const part of text.split(/[\s,]+/).filter((word) => word !== "")) {
    const [, name = "", number = ""] = /^([a-z]+)=(\d{1,5})$/.exec(part) ?? [];
    if (!Object.hasOwn(KEEP_GROUPS, name))
      throw new AppError("CONFIG_INVALID", `SG_KEEP_DAYS holds "${part}"`, {
        hint: `write <group>=<days>, of ${Object.keys(KEEP_GROUPS).join(", ")}`,
      });
    const group = name as KeepGroup;
    const value = Number(number);
    const { min } = KEEP_GROUPS[group];
    if (value < min || value > DAYS_MAX)
      throw new AppError("CONFIG_INVALID", `SG_KEEP_DAYS: ${group} is between ${min} and ${DAYS_MAX} days`);
    days[group] = value;
  }
  return days;
}
