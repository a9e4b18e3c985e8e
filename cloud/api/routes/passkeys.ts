/**
 * A person's passkeys: a new one within an hour after signing in, all of them listed and removed.
 *
 * A key pair whose private half stays in the device; the device asks for a PIN or a finger before it signs,
 * which is why a passkey lets in without a second factor.
 */
import { Type } from "typebox";
import { inTransaction, type Pool } from "../../db/pool.ts";
import type { App, Context } from "../app.ts";
import { isoOf } from "../page.ts";
import { ownSession, passOn } from "../people.ts";
import { ApiProblem, notFound } from "../problem.ts";
import type { Passkey } from "../user-schemas.ts";
import { auditOf, auditPerson } from "./auth.ts";

const PASSKEYS_MAX = 20;

/** Whoever was signed out by an operator must not come back by a passkey that the old session makes. */
async function checkNotEnded(pool: Pool, sessionId: string): Promise<void> {
  const { rowCount } = await pool.query("select from session_end where session_id = $1 limit 1", [sessionId]);
  if (rowCount !== 0)
    throw new ApiProblem(403, "SIGN_IN_AGAIN", "an operator has ended this session: sign in again");
}

export function passkeyRoutes(app: App, { pool, people }: Context): void {
  type Row = { id: string; name: string | null; backed_up: boolean; created_at: Date };
  const toPasskey = (row: Row): Passkey => ({
    passkeyId: row.id,
    name: row.name ?? "",
    backedUp: row.backed_up,
    createdAt: isoOf(row.created_at),
  });
  const list = async (userId: string) =>
    (
      await pool.query<Row>(
        "select id, name, backed_up, created_at from auth_passkey where user_id = $1 order by created_at limit 100",
        [userId],
      )
    ).rows.map(toPasskey);

  app.get(
    "/v1/me/passkeys",
    {
      schema: {
        operationId: "listMyPasskeys",
        ...ownSession,
        tags: ["me"],
        response: { 200: Type.Object({ items: Type.Array(Type.Ref("Passkey")) }) },
      },
    },
    async (request) => ({ items: await list((await people.requireSession(request)).userId) }),
  );

  app.post(
    "/v1/me/passkeys/options",
    {
      schema: {
        operationId: "getPasskeyOptions",
        ...ownSession,
        tags: ["me"],
        description:
          "For `PublicKeyCredential.parseCreationOptionsFromJSON`; within an hour after signing in, for five minutes.",
        response: { 200: Type.Ref("PasskeyOptions") },
      },
    },
    async (request, reply) => {
      await checkNotEnded(pool, (await people.requireSession(request)).sessionId);
      return passOn(reply, await people.call(request, "GET", "/passkey/generate-register-options"));
    },
  );

  app.post(
    "/v1/me/passkeys",
    {
      schema: {
        operationId: "addPasskey",
        ...ownSession,
        tags: ["me"],
        description: "Takes `credential.toJSON()`.",
        body: Type.Ref("NewPasskey"),
        response: { 201: Type.Ref("Passkey") },
      },
    },
    async (request, reply) => {
      const person = await people.requireSession(request);
      await checkNotEnded(pool, person.sessionId);
      const { credential, name } = request.body as { credential: object; name: string };
      if ((await list(person.userId)).length >= PASSKEYS_MAX)
        throw new ApiProblem(409, "TOO_MANY_PASSKEYS", `a person has at most ${PASSKEYS_MAX} passkeys`);
      const answer = await people.call(request, "POST", "/passkey/verify-registration", {
        body: { response: credential, name },
        after: auditOf(person, request, "passkey.add", { name }),
      });
      const { id } = passOn(reply, answer) as { id: string };
      const made = (await list(person.userId)).find((passkey) => passkey.passkeyId === id);
      if (made === undefined) throw notFound("passkey", id);
      return reply.code(201).send(made);
    },
  );

  app.delete(
    "/v1/me/passkeys/:passkeyId",
    {
      schema: {
        operationId: "removePasskey",
        ...ownSession,
        tags: ["me"],
        params: Type.Object({ passkeyId: Type.String({ maxLength: 64 }) }),
        response: { 200: Type.Ref("Done") },
      },
    },
    async (request) => {
      const person = await people.requireSession(request);
      const { passkeyId } = request.params;
      return inTransaction(pool, async (client) => {
        const { rowCount } = await client.query("delete from auth_passkey where user_id = $1 and id = $2", [
          ...[person.userId, passkeyId],
        ]);
        if (rowCount === 0) throw notFound("passkey", passkeyId);
        await auditPerson(client, person, request, "passkey.remove", { passkeyId });
        return { done: true } as const;
      });
    },
  );
}
