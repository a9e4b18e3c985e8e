/** One piece of work: what happened, what it is about, what can be done, what was decided. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Review, ReviewDetail, ReviewResolution } from "../../api/review-schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Card, Section, Skeleton } from "../components/card.tsx";
import { Icon } from "../components/icon.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemPage } from "../components/problem.tsx";
import { ReviewDialog, useSuggestionWords } from "../components/review-dialog.tsx";
import { ReviewSubject } from "../components/review-subject.tsx";
import { When } from "../components/time.tsx";
import { reviewQuery, siteQuery } from "../lib/queries.ts";
import { actionWord, isFinal, mainAction, type ReviewAction } from "../lib/review.ts";

const route = getRouteApi("/work/$reviewId");

export function ReviewPage() {
  const t = useTranslations();
  const { reviewId } = route.useParams();
  const [asking, setAsking] = useState<ReviewAction | null>(null);
  const query = useQuery(reviewQuery(reviewId));
  const detail = query.data;
  const site = useQuery(siteQuery(detail?.review.siteId ?? ""));
  if (query.isError && detail === undefined)
    return <ProblemPage error={query.error} onRetry={() => void query.refetch()} />;
  if (detail === undefined) return <ReviewSkeleton />;
  const { review, suggestions, resolutions } = detail;
  const timeZone = site.data?.timeZone;
  return (
    <>
      <PageHead
        title={t(`reviewKind.${review.kind}`)}
        site={site.data}
        badge={<StatusBadge review={review} />}
      >
        <p className="mt-1 text-ink-2">
          <Link to="/work" className="rounded font-medium text-accent hover:underline">
            {t("nav.work")}
          </Link>{" "}
          · <When at={review.at} timeZone={timeZone} />
        </p>
      </PageHead>
      <div className="max-w-3xl space-y-8">
        <Section title={t("review.happened")}>
          <div className="mb-3 space-y-1.5">
            {review.kinds.map((kind) => (
              <p key={kind}>
                {review.kinds.length > 1 && <span className="font-medium">{t(`reviewKind.${kind}`)}: </span>}
                {t(`reviewHint.${kind}`)}
              </p>
            ))}
          </div>
          <ReviewSubject review={review} timeZone={timeZone} />
        </Section>
        {suggestions.length > 0 && <Suggestions detail={detail} timeZone={timeZone} />}
        {review.status === "open" && review.actions.length > 0 && (
          <Actions detail={detail} onAsk={setAsking} />
        )}
        {resolutions.length > 0 && (
          <Resolutions review={review} resolutions={resolutions} timeZone={timeZone} />
        )}
        {review.status === "resolved" && (
          <Link
            to="/work"
            className="inline-flex items-center gap-1 rounded font-medium text-accent hover:underline"
          >
            {t("review.next")} <Icon name="chevron" className="size-3.5" />
          </Link>
        )}
      </div>
      {asking !== null && (
        <ReviewDialog {...{ detail, timeZone }} action={asking} onClose={() => setAsking(null)} />
      )}
    </>
  );
}

function StatusBadge({ review }: { review: Review }) {
  const t = useTranslations();
  if (review.status === "resolved")
    return (
      <Badge tone="neutral" icon="check">
        {t("review.resolved")}
      </Badge>
    );
  return (
    <Badge tone={review.information ? "neutral" : "amber"} icon={review.information ? "question" : "alert"}>
      {t(review.information ? "review.toKnow" : "review.open")}
    </Badge>
  );
}

/** Transactions that this one may belong to. */
function Suggestions({ detail, timeZone }: { detail: ReviewDetail; timeZone: string | undefined }) {
  const t = useTranslations();
  const words = useSuggestionWords(timeZone);
  return (
    <Section title={t("review.suggestions")}>
      <Card>
        <ul className="divide-y divide-line text-sm">
          {detail.suggestions.map((suggestion) => {
            const { transactionId } = suggestion.transaction;
            const { label, hint } = words(suggestion);
            return (
              <li key={transactionId} className="px-4 py-2.5">
                <Link
                  to="/transactions/$transactionId"
                  params={{ transactionId }}
                  className="rounded font-medium text-accent hover:underline"
                >
                  {label}
                </Link>
                <p className="text-ink-2">{hint}</p>
              </li>
            );
          })}
        </ul>
      </Card>
    </Section>
  );
}

function Actions({ detail, onAsk }: { detail: ReviewDetail; onAsk: (action: ReviewAction) => void }) {
  const t = useTranslations();
  const { review, suggestions } = detail;
  const main = mainAction(review, suggestions.length);
  const actions = [...review.actions].sort(
    (a, b) => Number(b === main) - Number(a === main) || Number(isFinal(a)) - Number(isFinal(b)),
  );
  return (
    <Section title={t("review.todo")}>
      <ul className="space-y-2">
        {actions.map((action) => {
          const word = actionWord(review, action);
          return (
            <li key={action} className="flex flex-wrap items-center gap-x-4 gap-y-1">
              <MayButton
                needs="reviews:write"
                look={action === main ? "primary" : "plain"}
                className="w-full sm:w-52"
                onClick={() => onAsk(action)}
              >
                {t(`reviewAction.${word}`)}
              </MayButton>
              <span className="min-w-0 flex-1 basis-60 text-sm text-ink-2">{t(`reviewWhen.${word}`)}</span>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

type ResolutionsProps = {
  review: Review;
  resolutions: readonly ReviewResolution[];
  timeZone: string | undefined;
};

/** Who decided what, and why. */
function Resolutions({ review, resolutions, timeZone }: ResolutionsProps) {
  const t = useTranslations();
  return (
    <Section title={t("review.decided")}>
      <Card>
        <ul className="divide-y divide-line text-sm">
          {resolutions.map(({ at, action, actor, note, intoTransactionId }) => (
            <li key={at} className="px-4 py-2.5">
              <p>
                <span className="font-medium">{t(`reviewDone.${actionWord(review, action)}`)}</span>{" "}
                <span className="text-ink-2">
                  {t("review.by", { actor })} · <When at={at} timeZone={timeZone} />
                </span>
              </p>
              {intoTransactionId !== null && (
                <Link
                  to="/transactions/$transactionId"
                  params={{ transactionId: intoTransactionId }}
                  className="rounded text-accent hover:underline"
                >
                  {t("transaction.mergedLink")}
                </Link>
              )}
              {note !== null && <p className="break-words whitespace-pre-wrap text-ink-2">{note}</p>}
            </li>
          ))}
        </ul>
      </Card>
    </Section>
  );
}

function ReviewSkeleton() {
  const t = useTranslations();
  return (
    <div aria-busy="true" aria-label={t("common.loading")} role="status">
      <Skeleton className="mb-2 h-5 w-40" />
      <Skeleton className="mb-8 h-8 w-72" />
      <Skeleton className="h-64 w-full max-w-3xl rounded-xl" />
    </div>
  );
}
