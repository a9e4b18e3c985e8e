/** The events that outgoing webhooks tell of: the public list, in the order of the documentation. Pure. */

export const WEBHOOK_TYPES = {
  "transaction.started": "a transaction began; told when its start has arrived, however late",
  "transaction.ended": "a transaction ended; once more when the station's own stop comes after an estimate",
  "station.online": "a station connected to its ER",
  "station.offline": "a station's connection to its ER ended",
  "command.finished": "a command has its outcome: succeeded, rejected, failed, expired, uncertain",
  "alarm.raised": "the condition of an alarm rule is there",
  "alarm.cleared": "the condition of an alarm is over",
  "cdr.created": "a transaction was priced: its charge detail record exists",
  "cdr.corrected": "a correction of a charge detail record exists",
  "statement.created": "a statement of a driver or a fleet is ready",
  "payment.authorized": "a provider holds an amount",
  "payment.captured": "an amount was taken",
  "payment.cancelled": "a hold was let go",
  "payment.refunded": "an amount, or a part of it, went back",
  "payment.failed": "a payment was declined or gave up",
  "webhook.test": "somebody asked for it",
} as const;

export type WebhookType = keyof typeof WEBHOOK_TYPES;

/** What an endpoint may ask for: a type, or all of a noun. */
export const isWebhookFilter = (filter: string): boolean =>
  Object.hasOwn(WEBHOOK_TYPES, filter) ||
  (filter.endsWith(".*") && Object.keys(WEBHOOK_TYPES).some((type) => type.startsWith(filter.slice(0, -1))));
