/**
 * The secrets by which outgoing webhooks are signed: sealed with the key that seals those of payment providers
 * (`pay/secrets.ts`), each bound to its endpoint.
 *
 * An endpoint that a former release made has its secret as it is, until the next start seals it.
 */
import type { Queryable } from "./db/pool.ts";
import type { SecretBox } from "./pay/secrets.ts";

export type StoredSecret = { plain: string | null; sealed: Buffer | null };

const about = (endpointId: string) => `webhook endpoint ${endpointId}`;

export const sealWebhookSecret = (box: SecretBox, endpointId: string, secret: string): Buffer =>
  box.seal(secret, about(endpointId));

/** @throws AppError SECRETS_KEY_WRONG, SECRET_DAMAGED. */
export const openWebhookSecret = (
  box: SecretBox,
  endpointId: string,
  { plain, sealed }: StoredSecret,
): string | undefined => (sealed === null ? (plain ?? undefined) : box.open(sealed, about(endpointId)));

/** Seals what lies open. Copies may do so at once. @returns how many endpoints. */
export async function sealOpenWebhookSecrets(db: Queryable, box: SecretBox): Promise<number> {
  const { rows } = await db.query<{ endpoint_id: string; secret: string | null; old_secret: string | null }>(
    `select endpoint_id, secret, old_secret from webhook_endpoint
     where secret is not null or old_secret is not null`,
  );
  for (const { endpoint_id: id, secret, old_secret: old } of rows)
    // Only what is still the same: a secret may be changed at this moment.
    await db.query(
      `update webhook_endpoint set secret = null, old_secret = null, sealed_secret = coalesce($2, sealed_secret),
         sealed_old_secret = coalesce($3, sealed_old_secret)
       where endpoint_id = $1 and secret is not distinct from $4 and old_secret is not distinct from $5`,
      [
        ...[id, secret === null ? null : sealWebhookSecret(box, id, secret)],
        ...[old === null ? null : sealWebhookSecret(box, id, old), secret, old],
      ],
    );
  return rows.length;
}
