/**
 * Questions of an ER that wait for an answer: may this token, and more transaction ids, please.
 *
 * The rule is the same function that the ER applies alone (`shared/decide`); only the data is fresher here.
 */
import { decideAuthorize } from "../../shared/decide/authorize.ts";
import { given } from "../../shared/given.ts";
import { LEASE_BLOCK_SIZE } from "../../shared/limits.ts";
import type { PolicyToken } from "../../shared/policy.ts";
import type { Answer, Question } from "../../shared/wire.ts";
import type { Pool } from "../db/pool.ts";

type TokenRow = {
  unknown_token: "allow" | "deny";
  id_token: string | null;
  status: "Accepted" | "Blocked";
  group_id: string | null;
  master: boolean;
  expires_at: Date | null;
};

export function toPolicyToken(
  row: Omit<TokenRow, "unknown_token" | "id_token"> & { id_token: string },
): PolicyToken {
  return {
    idToken: row.id_token,
    status: row.status,
    ...given("groupId", row.group_id ?? undefined),
    ...given("expiresAt", row.expires_at?.getTime()),
    ...(row.master ? { master: true } : {}),
  };
}

/** @returns undefined for an ER that is not known: it gets no answer and decides alone. */
export async function answerQuestion(
  pool: Pool,
  erId: string,
  question: Question,
): Promise<Answer["answer"] | undefined> {
  if (question.kind === "lease") {
    const known = await pool.query("update er set last_seen_at = now() where er_id = $1", [erId]);
    if (known.rowCount === 0) return undefined;
    const { rows } = await pool.query<{ block: number }>("select nextval('transaction_id_block') as block");
    const block = rows[0]?.block ?? 1;
    return { kind: "lease", first: (block - 1) * LEASE_BLOCK_SIZE + 1, count: LEASE_BLOCK_SIZE };
  }
  const { rows } = await pool.query<TokenRow>(
    `select s.unknown_token, t.id_token, t.status, t.group_id, t.master, t.expires_at
     from er e join site s using (site_id)
     left join id_token t on t.operator_id = e.operator_id and lower(t.id_token) = lower($2)
     where e.er_id = $1`,
    [erId, question.idToken],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const token = row.id_token === null ? undefined : toPolicyToken({ ...row, id_token: row.id_token });
  const { unknown_token: unknownToken } = row;
  return {
    kind: "authorize",
    ...decideAuthorize({ token, unknownToken, purpose: question.purpose, atMs: Date.now() }),
  };
}
