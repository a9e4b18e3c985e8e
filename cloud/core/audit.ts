/**
 * What the audit says that was done: `<noun>.<verb>`, in one list, so that the page has words for each.
 *
 * Rows of another release may say something else: whoever reads takes an action as a text. A command stands
 * under its kind.
 */
export const AUDIT_ACTIONS = [
  "alarm.acknowledge",
  "alarmRule.create",
  "alarmRule.delete",
  "alarmRule.update",
  "billing.bill",
  "billing.keep",
  "billing.waive",
  "cdr.correct",
  "chargingProfile.clear",
  "chargingProfile.create",
  "chargingProfile.replace",
  "driver.create",
  "driver.erase",
  "driver.erasure-request",
  "driver.erasure-withdraw",
  "driver.export",
  "driver.payment-request",
  "driver.update",
  "email.verify",
  "export.create",
  "file.create",
  "file.delete",
  "guest.cancel",
  "guest.create",
  "guest.stop",
  "idToken.attach",
  "idToken.create",
  "idToken.detach",
  "idToken.import",
  "idToken.update",
  "invitation.accept",
  "invitation.create",
  "invitation.revoke",
  "key.create",
  "key.revoke",
  "ledger.post",
  "ledger.reverse",
  "mail.retry",
  "operator.setup",
  "operator.update",
  "passkey.add",
  "passkey.remove",
  "password.change",
  "password.reset",
  "payment.cancel",
  "payment.create",
  "payment.refund",
  "paymentEvent.replay",
  "paymentFinding.resolve",
  "paymentProvider.put",
  "person.update",
  "receipt.create",
  "receipt.customer",
  "reservation.cancel",
  "reservation.create",
  "review.accept",
  "review.discard",
  "review.done",
  "review.merge",
  "review.not-done",
  "review.replay",
  "review.resume-journal",
  "review.write-off",
  "session.create",
  "session.refuse",
  "session.revoke",
  "site.update",
  "statement.create",
  "station.create",
  "station.password",
  "station.password.delete",
  "station.registration",
  "tariff.assign",
  "tariff.create",
  "tariff.delete",
  "tariff.publish",
  "tariff.unassign",
  "template.create",
  "template.delete",
  "template.update",
  "totp.disable",
  "totp.enable",
  "totp.enrol",
  "totp.renew-backup-codes",
  "user.remove",
  "user.sign-out",
  "user.update",
  "webhookDelivery.replay",
  "webhookEndpoint.create",
  "webhookEndpoint.delete",
  "webhookEndpoint.replay",
  "webhookEndpoint.rotateSecret",
  "webhookEndpoint.test",
  "webhookEndpoint.update",
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number] | `command.${string}`;

type Fields = Record<string, unknown>;
export type Change = { before: Fields; after: Fields };

/** JSON in which the order of an object's fields does not count. What is undefined is not there. */
const textOf = (value: unknown): string | undefined =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/**
 * The detail of an update: what was there, and what is there now, of the fields that changed. When that
 * was stands in the row itself.
 */
export function changeOf(before: object, after: object): Change {
  const [was, is] = [before as Fields, after as Fields];
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(
    (name) => name !== "updatedAt" && textOf(was[name]) !== textOf(is[name]),
  );
  // What is not there is told as null: JSON would leave it out.
  const pick = (from: Fields) => Object.fromEntries(names.map((name) => [name, from[name] ?? null]));
  return { before: pick(was), after: pick(is) };
}
