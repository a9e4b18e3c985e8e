/** ERs: does the box at the site talk to us, and how is it? */
import { needs } from "../actor.ts";
import { Type } from "typebox";
import { notFound } from "../problem.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import type { Er, ErGauges, ErHealth } from "../er-schemas.ts";
import type { App, Context } from "../app.ts";
import { ER_ONLINE } from "./sites.ts";

const SET_ASIDE_MAX = 10;

const ERS = `
  select e.*, ${ER_ONLINE} as online, coalesce(j.seq, 0) as acked_seq, b.previous_end, b.reason as previous_reason,
    (select count(*)::int from parked_entry p where p.er_id = e.er_id and p.resolved_at is null) as parked,
    coalesce((select json_agg(x) from (select a.* from journal_set_aside a where a.er_id = e.er_id
       order by a.at desc limit ${SET_ASIDE_MAX}) x), '[]') as set_aside
  from er e left join journal j on j.er_id = e.er_id and j.journal_id = e.journal_id
  left join lateral (select previous_end, reason from er_boot where er_id = e.er_id and boot = e.boot
                     order by started_at desc limit 1) b on true`;

type ErRow = {
  er_id: string;
  site_id: string;
  operator_id: string;
  online: boolean;
  last_seen_at: Date | null;
  release: string | null;
  started_at: Date | null;
  journal_id: string | null;
  journal_seq: number;
  acked_seq: number;
  policy_version: number;
  clock: string | null;
  clock_offset_ms: number | null;
  parked: number;
  gauges: ErGauges | null;
  gauges_at: Date | null;
  previous_end: string | null;
  previous_reason: string | null;
  set_aside: {
    at: string;
    file: string;
    reason: string;
    old_journal_id: string | null;
    old_last_seq: number | null;
  }[];
};

const toEr = (r: ErRow): Er => ({
  erId: r.er_id,
  siteId: r.site_id,
  operatorId: r.operator_id,
  online: r.online,
  lastSeenAt: iso(r.last_seen_at),
  release: r.release,
  startedAt: iso(r.started_at),
  journalId: r.journal_id,
  ackedSeq: r.acked_seq,
  journalSeq: Math.max(r.journal_seq, r.acked_seq),
  backlog: Math.max(0, r.journal_seq - r.acked_seq),
  policyVersion: r.policy_version === 0 ? null : r.policy_version,
  clock: r.clock,
  clockOffsetMs: r.clock_offset_ms,
  parkedEntries: r.parked,
  gauges: r.gauges,
  gaugesAt: iso(r.gauges_at),
  previousEnd: r.previous_end,
  previousReason: r.previous_reason,
  setAside: r.set_aside.map((a) => ({
    at: new Date(a.at).toISOString(),
    file: a.file,
    reason: a.reason,
    journalId: a.old_journal_id,
    lastSeq: a.old_last_seq,
  })),
});

export function erRoutes(app: App, { requireActor }: Context): void {
  const ErQuery = Type.Object({ ...PageQuery, siteId: Type.Optional(Type.String()) });
  const ErParams = Type.Object({ erId: Type.String() });

  app.get(
    "/v1/ers",
    {
      schema: {
        operationId: "listErs",
        ...needs("ers:read"),
        tags: ["ers"],
        querystring: ErQuery,
        response: { 200: PageOf("Er") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("e.operator_id = $1", actor.operatorId);
      where.add("e.site_id = ?", request.query.siteId);
      where.add("e.er_id > ?", readCursor(request.query, 1)?.[0]);
      const limit = (request.query.limit ?? 50) + 1;
      const { rows } = await actor.db.query<ErRow>(
        `${ERS} where ${where.sql} order by e.er_id limit ${limit}`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.er_id], toEr);
    },
  );

  app.get(
    "/v1/ers/:erId",
    {
      schema: {
        operationId: "getEr",
        ...needs("ers:read"),
        tags: ["ers"],
        params: ErParams,
        response: { 200: Type.Ref("Er") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { erId } = request.params;
      const { rows } = await actor.db.query<ErRow>(`${ERS} where e.operator_id = $1 and e.er_id = $2`, [
        actor.operatorId,
        erId,
      ]);
      if (rows[0] === undefined) throw notFound("ER", erId);
      return toEr(rows[0]);
    },
  );

  app.get(
    "/v1/ers/:erId/health",
    {
      schema: {
        operationId: "listErHealth",
        ...needs("ers:read"),
        tags: ["ers"],
        description: "How the box was: every five minutes, newest first, kept for 90 days.",
        params: ErParams,
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("ErHealth") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { erId } = request.params;
      const known = await actor.db.query("select from er where operator_id = $1 and er_id = $2", [
        actor.operatorId,
        erId,
      ]);
      if (known.rowCount === 0) throw notFound("ER", erId);
      const where = conditions("h.er_id = $1", erId);
      const after = readCursor(request.query, 2);
      where.add("(h.at, h.seq) < (?::timestamptz, ?::bigint)", after?.[0], after?.[1]);
      const { rows } = await actor.db.query<{ at: Date; seq: number; gauges: ErGauges }>(
        `select at, seq, gauges from er_health h where ${where.sql}
         order by h.at desc, h.seq desc limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      const toHealth = (r: { at: Date; gauges: ErGauges }): ErHealth => ({
        at: isoOf(r.at),
        gauges: r.gauges,
      });
      return toPage(rows, request.query, (r) => [isoOf(r.at), String(r.seq)], toHealth);
    },
  );
}
