/** Work: what must a person decide? Counted by kind, the most pressing first. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { Review } from "../../api/review-schemas.ts";
import { Button } from "../components/button.tsx";
import { CertificateRequests } from "../components/certificate-requests.tsx";
import { Card, Empty, Skeleton } from "../components/card.tsx";
import { Segmented, SelectField } from "../components/field.tsx";
import { Icon } from "../components/icon.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { ReviewLine } from "../components/review-subject.tsx";
import { When } from "../components/time.tsx";
import { api } from "../lib/api.ts";
import { useFeed } from "../lib/feed.ts";
import { useFormat } from "../lib/i18n.ts";
import {
  certificateRequestsQuery,
  REVIEWS_EVERY_MS,
  reviewSummaryQuery,
  sitesQuery,
} from "../lib/queries.ts";
import { actionWord, KIND_ICON, type ReviewKind } from "../lib/review.ts";
import type { WorkSearch } from "../router.tsx";

const route = getRouteApi("/work");
const PAGE = 50;

/** Of what was decided, each decision is an item. */
const itemId = ({ reviewId, resolution }: Review) => `${reviewId} ${resolution?.at ?? ""}`;

export function WorkPage() {
  const t = useTranslations();
  const filter = route.useSearch();
  const sites = useQuery(sitesQuery());
  const { kind = "", siteId = "", status = "open" } = filter;
  const feed = useFeed<Review>({
    queryKey: ["reviews", kind, siteId, status],
    fetchPage: (cursor, signal) => api.reviews({ kind, siteId, status, limit: PAGE, cursor }, signal),
    idOf: itemId,
    refetchInterval: REVIEWS_EVERY_MS,
  });
  const names = new Map(sites.data?.items.map((site) => [site.siteId, site]));
  return (
    <>
      <PageHead title={t("nav.work")}>
        <Answer />
      </PageHead>
      {status === "open" && kind === "" && <CertificateRequests siteId={filter.siteId} />}
      <Filters filter={filter} sites={sites.data?.items ?? []} />
      {feed.query.error !== null && (
        <ProblemNote error={feed.query.error} onRetry={() => void feed.query.refetch()} />
      )}
      {feed.query.isPending && <Skeleton className="h-72 w-full rounded-xl" />}
      {feed.query.isSuccess && feed.items.length === 0 && (
        <Empty title={t(`work.none.${status}`)}>{t(`work.noneHint.${status}`)}</Empty>
      )}
      {feed.items.length > 0 && (
        <Card className="overflow-hidden">
          <ul className="divide-y divide-line">
            {feed.items.map((review) => (
              <Row key={itemId(review)} review={review} site={names.get(review.siteId)} />
            ))}
          </ul>
        </Card>
      )}
      {feed.older.error !== null && <ProblemNote error={feed.older.error} />}
      {feed.hasOlder && (
        <Button className="mt-3 w-full" onClick={() => void feed.loadOlder()} disabled={feed.older.busy}>
          {t("common.older")}
        </Button>
      )}
    </>
  );
}

function Answer() {
  const t = useTranslations();
  const format = useFormat();
  const { data } = useQuery(reviewSummaryQuery());
  const certificates = useQuery(certificateRequestsQuery()).data?.items.length ?? 0;
  if (data === undefined) return <Skeleton className="mt-1 h-6 w-72" />;
  return (
    <>
      {(data.open > 0 || certificates === 0) && (
        <p className={`mt-1 ${data.open > 0 ? "text-amber" : "text-ink-2"}`}>
          {t("work.answer", { count: data.open })}
        </p>
      )}
      {certificates > 0 && (
        <p className="mt-1 text-amber">{t("certificates.waiting", { count: certificates })}</p>
      )}
      {data.unattributedWh > 0 && (
        <p className="mt-0.5 text-sm text-ink-2">
          {t("work.unattributed", { energy: format.energy(data.unattributedWh) })}
        </p>
      )}
      {data.unattributedUnknown > 0 && (
        <p className="mt-0.5 text-sm text-ink-2">
          {t("work.unattributedUnknown", { count: data.unattributedUnknown })}
        </p>
      )}
    </>
  );
}

type Place = { siteId: string; name: string; timeZone: string };

function Filters({ filter, sites }: { filter: WorkSearch; sites: readonly Place[] }) {
  const t = useTranslations();
  const navigate = useNavigate();
  const { data } = useQuery(reviewSummaryQuery());
  const apply = (change: WorkSearch) =>
    void navigate({ to: "/work", search: { ...filter, ...change }, replace: true, resetScroll: false });
  // The counts are of what waits: among what was decided only the kind that was chosen stands.
  const waiting = filter.status === undefined;
  const kinds = (data?.kinds ?? []).filter(({ kind, open }) => kind === filter.kind || (waiting && open > 0));
  const chip = (kind: ReviewKind | undefined, label: string, open: number | undefined) => (
    <button
      key={kind ?? ""}
      type="button"
      aria-pressed={filter.kind === kind}
      onClick={() => apply({ kind })}
      className="inline-flex h-8 items-center gap-1.5 rounded-lg border border-line bg-surface px-2.5 text-sm
        text-ink-2 hover:border-line-strong aria-pressed:border-accent aria-pressed:bg-accent-soft
        aria-pressed:text-ink pointer-coarse:h-11"
    >
      {label}
      {open !== undefined && <span className="font-medium text-ink">{open}</span>}
    </button>
  );
  return (
    <div className="mb-4 space-y-2" role="search" aria-label={t("common.filters")}>
      <div className="flex flex-wrap items-end gap-2">
        <Segmented
          legend={t("work.state")}
          value={filter.status ?? "open"}
          onChange={(status) => apply({ status: status === "open" ? undefined : status })}
          choices={(["open", "resolved"] as const).map((value) => ({
            value,
            label: t(`work.status.${value}`),
          }))}
        />
        {sites.length > 1 && (
          <div className="w-48 max-sm:flex-1">
            <SelectField
              label={t("common.site")}
              hideLabel
              value={filter.siteId ?? ""}
              onChange={(event) => apply({ siteId: event.target.value || undefined })}
            >
              <option value="">{t("common.allSites")}</option>
              {sites.map(({ siteId, name }) => (
                <option key={siteId} value={siteId}>
                  {name}
                </option>
              ))}
            </SelectField>
          </div>
        )}
      </div>
      {kinds.length > 0 && (
        <div role="group" aria-label={t("work.kinds")} className="flex flex-wrap gap-1.5">
          {chip(undefined, t("work.allKinds"), undefined)}
          {kinds.map(({ kind, open }) => chip(kind, t(`reviewKind.${kind}`), waiting ? open : undefined))}
        </div>
      )}
    </div>
  );
}

function Row({ review, site }: { review: Review; site: Place | undefined }) {
  const t = useTranslations();
  const { reviewId, kind, kinds, resolution, status, information } = review;
  const others = kinds.filter((one) => one !== kind);
  const tone = status === "resolved" || information ? "text-ink-3" : "text-amber";
  return (
    <li className="lazy-row relative flex items-start gap-3 px-4 py-3 hover:bg-raised">
      <Icon name={status === "resolved" ? "check" : KIND_ICON[kind]} className={`mt-0.5 size-4 ${tone}`} />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-baseline gap-x-3">
          <Link
            to="/work/$reviewId"
            params={{ reviewId }}
            className="font-medium -outline-offset-2 after:absolute after:inset-0"
          >
            {t(`reviewKind.${kind}`)}
          </Link>
          {others.length > 0 && (
            <span className="text-[0.8125rem] text-ink-3">
              {others.map((one) => t(`reviewKind.${one}`)).join(" · ")}
            </span>
          )}
        </p>
        <ReviewLine review={review} />
        <p className="text-[0.8125rem] text-ink-3">
          {site?.name ?? review.siteId} · <When at={review.at} timeZone={site?.timeZone} />
        </p>
        {status === "resolved" && resolution !== null && (
          <p className="text-[0.8125rem] text-ink-2">
            {t("work.resolvedAs", {
              action: t(`reviewDone.${actionWord(review, resolution.action)}`),
              actor: resolution.actor,
            })}
          </p>
        )}
      </div>
      <Icon name="chevron" className="mt-1 size-3.5 text-ink-3" />
    </li>
  );
}
