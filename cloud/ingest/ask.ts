/**
 * Questions of an ER that wait for an answer: may this token, and more ids, please.
 *
 * The rule is the same function that the ER applies alone (`shared/decide`); only the data is fresher here.
 */
import { decideAuthorize, type AuthorizationStatus } from "../../shared/decide/authorize.ts";
import type { LeasedResource } from "../../shared/entry.ts";
import { defined, given } from "../../shared/given.ts";
import { LEASE_BLOCK_SIZE } from "../../shared/limits.ts";
import type { UnknownTokenRule } from "../../shared/policy.ts";
import type { Answer, Question } from "../../shared/wire.ts";
import { tokenAt, type TokenRow } from "../core/policy.ts";
import type { Pool, Queryable } from "../db/pool.ts";
import { guestTokenAt } from "../pay/guest-token.ts";
import { passOnNothing, type PassOn } from "./pass-on.ts";
import { readIdentities, TOKEN_COLUMNS } from "./policy.ts";

type AuthorizeRow = Omit<TokenRow, "id_token"> & {
  id_token: string | null;
  site_id: string;
  unknown_token: UnknownTokenRule;
  /** It belonged to somebody who is gone. */
  erased: boolean;
  running: number;
};

/** Sequence of blocks, and the first id of the first block. Profiles 1 … 100,000 are the ERs' own. */
const LEASES: Record<LeasedResource, { sequence: string; firstId: number }> = {
  transaction: { sequence: "transaction_id_block", firstId: 1 },
  reservation: { sequence: "reservation_id_block", firstId: 1 },
  profile: { sequence: "profile_id_block", firstId: 100_001 },
};

/** @returns undefined for an ER that is not known: it gets no answer and decides alone. */
export async function answerQuestion(
  pool: Pool,
  erId: string,
  question: Question,
  passOn: PassOn = passOnNothing,
): Promise<Answer["answer"] | undefined> {
  if (question.kind === "lease") return lease(pool, erId, question.resource ?? "transaction");
  if (question.kind === "ocpp") return { kind: "ocpp", ...given("payload", await passOn(erId, question)) };
  const decided = await authorize(pool, erId, question);
  if (question.contract === undefined || decided?.kind !== "authorize") return decided;
  const certificateStatus = await passOn.certificate(erId, question);
  if (certificateStatus === undefined) return decided;
  return { ...decided, ...byCertificate(decided.status, certificateStatus), certificateStatus };
}

/** Whose certificate was looked at and found bad is not let in, whoever he says he is (OCPP 2.0.1 C07). */
function byCertificate(status: AuthorizationStatus, certificateStatus: string) {
  if (certificateStatus === "Accepted" || status !== "Accepted") return {};
  const refused: AuthorizationStatus = certificateStatus === "CertificateExpired" ? "Expired" : "Invalid";
  return { status: refused, reason: "certificate-refused" };
}

async function lease(
  pool: Pool,
  erId: string,
  resource: LeasedResource,
): Promise<Answer["answer"] | undefined> {
  const known = await pool.query("update er set last_seen_at = now() where er_id = $1", [erId]);
  if (known.rowCount === 0) return undefined;
  return { kind: "lease", resource, first: await takeBlock(pool, resource), count: LEASE_BLOCK_SIZE };
}

/** The first id of a block (LEASE_BLOCK_SIZE) that nobody else gets. */
export async function takeBlock(db: Queryable, resource: LeasedResource): Promise<number> {
  const { sequence, firstId } = LEASES[resource];
  const { rows } = await db.query<{ block: number }>("select nextval($1) as block", [sequence]);
  return firstId + ((rows[0]?.block ?? 1) - 1) * LEASE_BLOCK_SIZE;
}

async function authorize(
  pool: Pool,
  erId: string,
  question: Extract<Question, { kind: "authorize" }>,
): Promise<Answer["answer"] | undefined> {
  const { rows } = await pool.query<AuthorizeRow>(
    `select s.site_id, s.unknown_token, ${TOKEN_COLUMNS},
       t.id_token is null and (moov_erased(s.site_id, $2)).hash is not null as erased,
       (select count(*)::int from transaction x where x.site_id = s.site_id and x.running
          and lower(x.id_token) = lower($2)) as running
     from er e join site s using (site_id)
     left join id_token t on t.operator_id = e.operator_id and t.token_key = lower($2)
     where e.er_id = $1`,
    [erId, question.idToken],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const guest = row.id_token === null ? await guestTokenAt(pool, row.site_id, question.idToken) : undefined;
  if (guest !== undefined && guest.identity === question.stationId) {
    const { cap_energy_wh: energyWh, tariff } = guest;
    const bounds = defined({
      cap: energyWh === null ? undefined : { energyWh },
      tariff: tariff ?? undefined,
    });
    return { kind: "authorize", status: "Accepted", reason: "guest", ...bounds };
  }
  // Names of stations are read only where the token is bound to some.
  const identities = row.station_ids === null ? new Map() : await readIdentities(pool, row.site_id);
  const erased = row.erased ? ({ status: "Blocked" } as const) : undefined;
  const decision = decideAuthorize({
    token:
      row.id_token === null ? erased : tokenAt({ ...row, id_token: row.id_token }, row.site_id, identities),
    unknownToken: row.unknown_token,
    purpose: question.purpose,
    stationId: question.stationId,
    running: row.running,
    freshness: "sg",
    usedHere: false,
    atMs: Date.now(),
  });
  return { kind: "authorize", ...decision };
}
