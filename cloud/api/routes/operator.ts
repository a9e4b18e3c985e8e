/**
 * What an operator says of itself: what stands on its receipts, in which currency and time zone it keeps its
 * books.
 */
import { Type } from "typebox";
import { isTimeZone } from "../../../shared/decide/wall-clock.ts";
import { changeOf } from "../../core/audit.ts";
import type { Queryable } from "../../db/pool.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import type { OperatorPatch, OperatorView } from "../money-schemas.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";
import { checkTaxId } from "./receipts.ts";

async function readOperator(db: Queryable, actor: Actor): Promise<OperatorView> {
  const { rows } = await db.query<OperatorView>(
    `select operator_id as "operatorId", name, legal_name as "legalName", tax_id as "taxId", country, address, currency,
       time_zone as "timeZone", receipt_footer as "receiptFooter" from operator where operator_id = $1`,
    [actor.operatorId],
  );
  if (rows[0] === undefined) throw notFound("operator", actor.operatorId);
  return rows[0];
}

/** @throws ApiProblem 422 TAX_ID_INVALID, 400 UNKNOWN_TIME_ZONE. */
function merge(before: OperatorView, patch: OperatorPatch): OperatorView {
  const after = { ...before, ...patch };
  if (!isTimeZone(after.timeZone)) {
    const detail = `"${after.timeZone}" is no IANA time zone like America/Sao_Paulo`;
    throw new ApiProblem(400, "UNKNOWN_TIME_ZONE", detail);
  }
  const taxId = after.taxId === null ? null : checkTaxId(after.country, after.taxId);
  return { ...after, taxId };
}

export function operatorRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/operator",
    {
      schema: {
        operationId: "getOperator",
        ...needs("sites:read"),
        tags: ["operator"],
        response: { 200: Type.Ref("Operator") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      return readOperator(actor.db, actor);
    },
  );

  app.patch(
    "/v1/operator",
    {
      schema: {
        operationId: "updateOperator",
        ...needs("operator:write"),
        tags: ["operator"],
        description: "Merge patch. Receipts and statements that were made stay as they are.",
        body: Type.Ref("OperatorPatch"),
        response: { 200: Type.Ref("Operator") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const patch = request.body as OperatorPatch;
      const written = await writeOnce(actor, request, async (client) => {
        await client.query("select from operator where operator_id = $1 for update", [actor.operatorId]);
        const before = await readOperator(client, actor);
        const after = merge(before, patch);
        await client.query(
          `update operator set name = $2, legal_name = $3, tax_id = $4, country = $5, address = $6, currency = $7,
             time_zone = $8, receipt_footer = $9 where operator_id = $1`,
          [
            ...[actor.operatorId, after.name, after.legalName, after.taxId, after.country, after.address],
            ...[after.currency, after.timeZone, after.receiptFooter],
          ],
        );
        await audit(client, actor, request, "operator.update", actor.operatorId, changeOf(before, after));
        return { status: 200, body: after };
      });
      return written.body as OperatorView;
    },
  );
}
