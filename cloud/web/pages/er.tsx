/** An ER: is the box well, and if not, what must be done? */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { Er, SetAside } from "../../api/er-schemas.ts";
import type { Site } from "../../api/schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Card, Fact, Section, Skeleton } from "../components/card.tsx";
import { BacklogFact, ClockFact, JournalFact, PolicyFact } from "../components/er-card.tsx";
import { ErHistory } from "../components/er-history.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemPage } from "../components/problem.tsx";
import { Ago, useNow, When } from "../components/time.tsx";
import { TroubleList } from "../components/trouble-list.tsx";
import { troublesOf } from "../lib/er-health.ts";
import { MISSING } from "../lib/format.ts";
import { useFormat } from "../lib/i18n.ts";
import { erQuery, siteQuery } from "../lib/queries.ts";
import { ONLINE_LOOK } from "../lib/state.ts";
import { useCode } from "../lib/words.ts";

const route = getRouteApi("/ers/$erId");

export function ErPage() {
  const t = useTranslations();
  const now = useNow(60_000);
  const { erId } = route.useParams();
  const query = useQuery(erQuery(erId));
  const er = query.data;
  const site = useQuery(siteQuery(er?.siteId ?? ""));
  const failed = [query, site].find((one) => one.isError && one.data === undefined);
  if (failed !== undefined) return <ProblemPage error={failed.error} onRetry={() => void failed.refetch()} />;
  if (er === undefined || site.data === undefined) return <ErSkeleton />;
  const troubles = troublesOf(er, site.data, now);
  const { timeZone } = site.data;
  const link = er.online ? "online" : "offline";
  return (
    <>
      <PageHead
        title={er.erId}
        site={site.data}
        badge={<Badge {...ONLINE_LOOK[link]}>{t(`online.${link}`)}</Badge>}
      >
        <Answer er={er} count={troubles.length} timeZone={timeZone} />
      </PageHead>
      <div className="mb-8 max-w-3xl">
        <TroubleList troubles={troubles} />
      </div>
      <div className="mb-8 grid grid-cols-1 gap-8 md:grid-cols-2">
        <SiteFacts er={er} site={site.data} />
        <BoxFacts er={er} timeZone={timeZone} />
      </div>
      <Section title={t("erHistory.title")} className="mb-8">
        <ErHistory erId={er.erId} timeZone={timeZone} />
      </Section>
      {er.setAside.length > 0 && <SetAsideList setAside={er.setAside} timeZone={timeZone} />}
    </>
  );
}

function Answer({ er, count, timeZone }: { er: Er; count: number; timeZone: string }) {
  const t = useTranslations();
  if (er.online) {
    return <p className={`mt-1 ${count === 0 ? "text-ink-2" : "text-amber"}`}>{t("er.answer", { count })}</p>;
  }
  return (
    <>
      <p className="mt-1 text-amber">
        {er.lastSeenAt === null ? t("er.neverSeen") : t("er.lastSeen")}{" "}
        {er.lastSeenAt !== null && <When at={er.lastSeenAt} timeZone={timeZone} />}
      </p>
      <p className="mt-1 max-w-prose text-sm text-ink-2">{t("er.offlineHint")}</p>
    </>
  );
}

/** What it does for its site: the way to the cloud, the time, the rules. */
function SiteFacts({ er, site }: { er: Er; site: Site }) {
  const t = useTranslations();
  const format = useFormat();
  const { gauges } = er;
  return (
    <Section title={t("er.duties")}>
      <Card className="px-4 py-3">
        <dl className="grid grid-cols-2 gap-x-6 gap-y-3 text-sm">
          <BacklogFact er={er} />
          <JournalFact er={er} />
          <ClockFact er={er} />
          <PolicyFact er={er} site={site} />
          <Fact term={t("er.serves")}>
            {gauges === null
              ? MISSING
              : t("er.servesNow", { stations: gauges.stationsConnected, active: gauges.activeTransactions })}
          </Fact>
          <Fact term={t("er.parked")}>
            {er.parkedEntries === 0 ? (
              format.count(0)
            ) : (
              <Link
                to="/work"
                search={{ kind: "entry-parked", siteId: er.siteId }}
                className="rounded font-medium text-amber underline underline-offset-2"
              >
                {format.count(er.parkedEntries)}
              </Link>
            )}
          </Fact>
        </dl>
      </Card>
    </Section>
  );
}

function BoxFacts({ er, timeZone }: { er: Er; timeZone: string }) {
  const t = useTranslations();
  const format = useFormat();
  const code = useCode();
  const { gauges } = er;
  const ended = er.previousEnd === null ? null : (code("previousEnd", er.previousEnd) ?? er.previousEnd);
  return (
    <Section
      title={t("er.box")}
      aside={
        er.gaugesAt !== null && (
          <span className="text-[0.8125rem] text-ink-3">
            {t("er.measured")} <Ago at={er.gaugesAt} timeZone={timeZone} />
          </span>
        )
      }
    >
      <Card className="px-4 py-3">
        <dl className="grid grid-cols-2 gap-x-6 gap-y-3 text-sm">
          <Fact term={t("er.diskFree")}>{format.bytes(gauges?.diskFreeBytes ?? null)}</Fact>
          <Fact term={t("er.wear")}>
            {gauges?.diskWearPercent === undefined
              ? t("er.notTold")
              : t("er.wearUpTo", { percent: format.percent(gauges.diskWearPercent) })}
          </Fact>
          <Fact term={t("er.temperature")}>
            {gauges?.temperatureC === undefined ? t("er.notTold") : format.celsius(gauges.temperatureC)}
          </Fact>
          <Fact term={t("er.memory")}>{format.bytes(gauges?.rssBytes ?? null)}</Fact>
          <Fact term={t("er.release")}>{er.release ?? MISSING}</Fact>
          <Fact term={t("er.started")}>
            {er.startedAt === null ? MISSING : <When at={er.startedAt} timeZone={timeZone} />}
          </Fact>
          <Fact term={t("er.before")}>
            {ended ?? t("er.firstStart")}
            {er.previousReason !== null && (
              <span className="block text-ink-3" lang="en">
                {er.previousReason}
              </span>
            )}
          </Fact>
        </dl>
      </Card>
    </Section>
  );
}

/** Journals that could not be used any more: their bytes are still there. */
function SetAsideList({ setAside, timeZone }: { setAside: readonly SetAside[]; timeZone: string }) {
  const t = useTranslations();
  const format = useFormat();
  return (
    <Section title={t("setAside.title")} count={String(setAside.length)}>
      <p className="mb-2 max-w-prose text-sm text-ink-2">{t("setAside.hint")}</p>
      <Card>
        <ul className="divide-y divide-line">
          {setAside.map(({ at, file, reason, lastSeq }) => (
            <li key={file} className="px-4 py-2.5 text-sm">
              <p className="flex flex-wrap items-baseline gap-x-3">
                <code className="font-mono text-[0.8125rem] break-all">{file}</code>
                <span className="text-ink-3">
                  <When at={at} timeZone={timeZone} />
                </span>
              </p>
              <p className="text-ink-2">
                <span lang="en">{reason}</span>
                {lastSeq !== null && ` · ${t("setAside.lastSeq", { seq: format.count(lastSeq) })}`}
              </p>
            </li>
          ))}
        </ul>
      </Card>
    </Section>
  );
}

function ErSkeleton() {
  const t = useTranslations();
  return (
    <div aria-busy="true" aria-label={t("common.loading")} role="status">
      <Skeleton className="mb-2 h-5 w-40" />
      <Skeleton className="mb-8 h-8 w-48" />
      <div className="grid gap-8 md:grid-cols-2">
        <Skeleton className="h-56 w-full rounded-xl" />
        <Skeleton className="h-56 w-full rounded-xl" />
      </div>
    </div>
  );
}
