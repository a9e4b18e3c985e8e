/** Overview: is everything charging? The answer in words and a number, what is in the way, the sites. */
import { useQuery } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import type { Er } from "../../api/er-schemas.ts";
import type { Site } from "../../api/schemas.ts";
import { AttentionList } from "../components/attention-list.tsx";
import { BigNumber, Card, Section, Skeleton } from "../components/card.tsx";
import { CopyBlock, CopyLine } from "../components/copy.tsx";
import { useTitle } from "../lib/title.ts";
import { ProblemPage } from "../components/problem.tsx";
import { SiteRow } from "../components/site-row.tsx";
import { useNow } from "../components/time.tsx";
import { answerOf, attentionOf, totalsOf } from "../lib/attention.ts";
import { guide } from "../lib/guide.ts";
import { useFormat } from "../lib/i18n.ts";
import { ersQuery, faultedQuery, sitesQuery } from "../lib/queries.ts";

const NO_ERS: Er[] = [];

export function OverviewPage() {
  const t = useTranslations();
  const sites = useQuery(sitesQuery());
  const ers = useQuery(ersQuery());
  const faulted = useQuery(faultedQuery());
  const now = useNow(60_000);
  useTitle("");
  const failed = [sites, ers, faulted].find((query) => query.isError && query.data === undefined);
  if (failed !== undefined) return <ProblemPage error={failed.error} onRetry={() => void failed.refetch()} />;
  if (sites.data === undefined || ers.data === undefined || faulted.data === undefined)
    return <OverviewSkeleton />;
  if (sites.data.items.length === 0) return <FirstSite />;
  const erOf = (siteId: string) => ers.data.items.filter((er) => er.siteId === siteId);
  const attention = attentionOf(sites.data.items, ers.data.items, faulted.data.items, now);
  return (
    <>
      <Answer sites={sites.data.items} attention={attention} />
      {attention.length > 0 && (
        <Section title={t("overview.attention")} className="mb-8">
          <AttentionList attention={attention} />
        </Section>
      )}
      <Section title={t("overview.sites")} count={String(sites.data.items.length)}>
        <Card className="overflow-hidden">
          <ul className="divide-y divide-line">
            {sites.data.items.map((site) => (
              <SiteRow key={site.siteId} site={site} ers={erOf(site.siteId) ?? NO_ERS} />
            ))}
          </ul>
        </Card>
        {!sites.data.complete && (
          <p className="mt-2 text-sm text-ink-3">{t("common.cut", { count: sites.data.items.length })}</p>
        )}
      </Section>
    </>
  );
}

type AnswerProps = { sites: readonly Site[]; attention: ReturnType<typeof attentionOf> };

function Answer({ sites, attention }: AnswerProps) {
  const t = useTranslations();
  const format = useFormat();
  const totals = totalsOf(sites);
  const answer = answerOf(sites, attention);
  const tone = answer === "lost" ? "text-red" : answer === "attention" ? "text-amber" : "text-accent";
  return (
    <div className="mb-8 flex flex-wrap items-end justify-between gap-x-10 gap-y-4 sm:min-h-24">
      <div className="min-w-0 max-sm:w-full">
        <p className="text-sm text-ink-3">{t("overview.question")}</p>
        <h1 className={`mt-0.5 text-2xl font-semibold tracking-tight text-balance sm:text-3xl ${tone}`}>
          {t(`overview.answer.${answer}`, { count: attention.length })}
        </h1>
        <p className="mt-1.5 text-ink-2">
          {t("overview.summary", {
            active: totals.active,
            connectors: totals.connectors,
            sites: totals.sites,
          })}
          {" · "}
          {t("overview.energyToday", { energy: format.energy(totals.energyTodayWh) })}
        </p>
      </div>
      <p>
        <span className="sr-only">{t("overview.powerNow")}</span>
        <BigNumber {...format.powerOf(totals.powerW)} className="text-5xl sm:text-6xl" />
      </p>
    </div>
  );
}

/** No site yet: what to do next. */
function FirstSite() {
  const t = useTranslations();
  return (
    <div className="mx-auto max-w-xl py-8">
      <h1 className="text-2xl font-semibold tracking-tight">{t("overview.firstTitle")}</h1>
      <p className="mt-2 mb-6 text-ink-2">{t("overview.firstText")}</p>
      <ol className="space-y-6">
        <li>
          <p className="mb-2 font-medium">1. {t("overview.firstConfig")}</p>
          <CopyBlock text={guide.erConfig(t("overview.firstSiteName"))} />
        </li>
        <li>
          <p className="mb-2 font-medium">2. {t("overview.firstRun")}</p>
          <CopyLine text={guide.erRun} />
        </li>
        <li>
          <p className="font-medium">3. {t("overview.firstStation")}</p>
          <p className="text-ink-2">{t("overview.firstStationText")}</p>
        </li>
      </ol>
    </div>
  );
}

function OverviewSkeleton() {
  const t = useTranslations();
  return (
    <div aria-busy="true" aria-label={t("common.loading")} role="status">
      <div className="mb-8 flex items-end justify-between sm:min-h-24">
        <div>
          <Skeleton className="mb-2 h-4 w-40" />
          <Skeleton className="mb-3 h-9 w-72" />
          <Skeleton className="h-5 w-80 max-w-full" />
        </div>
        <Skeleton className="h-14 w-44 max-sm:hidden" />
      </div>
      <Skeleton className="mb-2.5 h-8 w-24" />
      <Skeleton className="h-56 w-full rounded-xl" />
    </div>
  );
}
