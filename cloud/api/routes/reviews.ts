/** Work queues: what needs a person, and what people decided. */
import { Type } from "typebox";
import { OneOf } from "../../../shared/schema.ts";
import { INFORMATION_KINDS, REVIEW_KINDS, subjectOf, UNATTRIBUTED_KINDS } from "../../core/review.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { conditions, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { notFound } from "../problem.ts";
import { resolveReview } from "../resolve.ts";
import {
  ReviewKindName,
  type NewResolution,
  type Review,
  type ReviewDetail,
  type ReviewSummary,
} from "../review-schemas.ts";
import { suggestionsFor } from "../review-suggestions.ts";
import { ENTRY_CHARS, readOpen, readResolutions, toReviews, type OpenRow } from "../review-view.ts";
import { REGISTER_DIFFERENCE_WH } from "../transaction-view.ts";
import { writeOnce } from "../write.ts";

type ListQuery = {
  limit?: number;
  cursor?: string;
  kind?: string;
  siteId?: string;
  stationId?: string;
  status?: "open" | "resolved";
};

export function reviewRoutes(app: App, { requireActor }: Context): void {
  async function listOpen(actor: Actor, query: ListQuery) {
    const where = conditions("r.operator_id = $1", actor.operatorId);
    where.add("? = any (r.kinds)", query.kind);
    where.add("r.site_id = ?", query.siteId);
    where.add("r.station_id = ?", query.stationId);
    const after = readCursor(query, 2);
    where.add("(r.at, r.review_id) < (?::timestamptz, ?)", after?.[0], after?.[1]);
    const { rows } = await actor.db.query<OpenRow & { at_key: string }>(
      `select r.*, r.at::text as at_key from review_open r where ${where.sql}
       order by r.at desc, r.review_id desc limit ${(query.limit ?? 50) + 1}`,
      where.params,
    );
    const page = toPage(
      rows,
      query,
      (r) => [r.at_key, r.review_id],
      (r) => r,
    );
    return { items: await toReviews(actor.db, page.items, ENTRY_CHARS.list), nextCursor: page.nextCursor };
  }

  /** Each decision is an item of its own, as it stood then. */
  async function listResolved(actor: Actor, query: ListQuery) {
    const where = conditions("r.operator_id = $1", actor.operatorId);
    where.add("? = any (r.kinds)", query.kind);
    where.add("r.site_id = ?", query.siteId);
    where.add("r.station_id = ?", query.stationId);
    where.add("r.resolution_id < ?::bigint", readCursor(query, 1)?.[0]);
    const { rows } = await actor.db.query<{ resolution_id: number; item: Review }>(
      `select r.resolution_id, r.item from review_resolution r where ${where.sql}
       order by r.resolution_id desc limit ${(query.limit ?? 50) + 1}`,
      where.params,
    );
    return toPage(
      rows,
      query,
      (r) => [String(r.resolution_id)],
      (r) => r.item,
    );
  }

  async function detailOf(actor: Actor, reviewId: string): Promise<ReviewDetail> {
    const resolutions = await readResolutions(actor.db, actor.operatorId, reviewId);
    const row = await readOpen(actor.db, actor.operatorId, reviewId);
    if (row === undefined) {
      const { rows } = await actor.db.query<{ item: Review }>(
        `select item from review_resolution where operator_id = $1 and review_id = $2
         order by resolution_id desc limit 1`,
        [actor.operatorId, reviewId],
      );
      if (rows[0] === undefined) throw notFound("review", reviewId);
      return { review: rows[0].item, suggestions: [], resolutions };
    }
    const [review] = await toReviews(actor.db, [row], ENTRY_CHARS.alone);
    if (review === undefined) throw notFound("review", reviewId);
    const subject = subjectOf(reviewId);
    const suggestions =
      subject?.kind === "transaction" && review.actions.includes("merge")
        ? await suggestionsFor(actor.db, actor.operatorId, subject.transactionId)
        : [];
    return { review, suggestions, resolutions };
  }

  async function summaryOf(actor: Actor, siteId: string | undefined): Promise<ReviewSummary> {
    const counts = await actor.db.query<{ kind: string | null; n: number; work: number }>(
      `select k.kind, count(*)::int as n,
         count(distinct r.review_id) filter (where not r.kinds <@ $3::text[])::int as work
       from review_open r cross join lateral unnest(r.kinds) as k(kind)
       where r.operator_id = $1 and ($2::text is null or r.site_id = $2) group by grouping sets ((k.kind), ())`,
      [actor.operatorId, siteId, [...INFORMATION_KINDS]],
    );
    const energy = await actor.db.query<{ wh: number; unknown: number }>(
      `select coalesce(sum(greatest(0, ${REGISTER_DIFFERENCE_WH})), 0)::bigint as wh,
         count(*) filter (where ${REGISTER_DIFFERENCE_WH} is null)::int as unknown
       from transaction t where t.operator_id = $1 and ($2::text is null or t.site_id = $2)
         and t.review_kinds <> '{}' and t.review_kinds && $3::text[] and t.merged_into is null`,
      [actor.operatorId, siteId, [...UNATTRIBUTED_KINDS]],
    );
    const byKind = new Map(counts.rows.map((row) => [row.kind, row.n]));
    return {
      open: counts.rows.find((row) => row.kind === null)?.work ?? 0,
      kinds: REVIEW_KINDS.map((kind) => ({
        kind,
        open: byKind.get(kind) ?? 0,
        information: INFORMATION_KINDS.has(kind),
      })),
      unattributedWh: energy.rows[0]?.wh ?? 0,
      unattributedUnknown: energy.rows[0]?.unknown ?? 0,
    };
  }

  app.get(
    "/v1/reviews",
    {
      schema: {
        operationId: "listReviews",
        ...needs("transactions:read"),
        tags: ["reviews"],
        description:
          "What waits for a person, newest first; with status=resolved what people decided, the last decision first.",
        querystring: Type.Object({
          ...PageQuery,
          kind: Type.Optional(ReviewKindName),
          siteId: Type.Optional(Type.String()),
          stationId: Type.Optional(Type.String()),
          status: Type.Optional(OneOf(["open", "resolved"])),
        }),
        response: { 200: PageOf("Review") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { query } = request;
      return query.status === "resolved" ? listResolved(actor, query) : listOpen(actor, query);
    },
  );

  app.get(
    "/v1/reviews/summary",
    {
      schema: {
        operationId: "getReviewSummary",
        ...needs("transactions:read"),
        tags: ["reviews"],
        querystring: Type.Object({ siteId: Type.Optional(Type.String()) }),
        response: { 200: Type.Ref("ReviewSummary") },
      },
    },
    async (request) => summaryOf(await requireActor(request), request.query.siteId),
  );

  app.get(
    "/v1/reviews/:reviewId",
    {
      schema: {
        operationId: "getReview",
        ...needs("transactions:read"),
        tags: ["reviews"],
        params: Type.Object({ reviewId: Type.String() }),
        response: { 200: Type.Ref("ReviewDetail") },
      },
    },
    async (request) => detailOf(await requireActor(request), request.params.reviewId),
  );

  app.post(
    "/v1/reviews/:reviewId/resolve",
    {
      schema: {
        operationId: "resolveReview",
        ...needs("reviews:write"),
        tags: ["reviews"],
        description:
          "Decides: once, whoever asks. The same decision by the same actor again is one; another one is 409. " +
          "A replay that fails again leaves the item open, with the new reason.",
        params: Type.Object({ reviewId: Type.String() }),
        headers: Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) }),
        body: Type.Ref("NewResolution"),
        response: { 200: Type.Ref("ReviewDetail") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { reviewId } = request.params;
      const body = request.body as NewResolution;
      const { body: detail } = await writeOnce(actor, request, async (client) => ({
        status: 200,
        body: await resolveReview(client, actor, request, reviewId, body),
      }));
      return detail as ReviewDetail;
    },
  );
}
