/** An ER on its site's page: can it be heard, what is wrong with it, the rules it decides by. */
import { Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { Er } from "../../api/er-schemas.ts";
import type { Site } from "../../api/schemas.ts";
import { BACKLOG_ENTRIES, clockOffsetMs, freshnessOf, troublesOf } from "../lib/er-health.ts";
import { MISSING } from "../lib/format.ts";
import { useFormat } from "../lib/i18n.ts";
import { ONLINE_LOOK } from "../lib/state.ts";
import { useCode } from "../lib/words.ts";
import { Badge } from "./badge.tsx";
import { Card, Fact } from "./card.tsx";
import { Ago, useNow, When } from "./time.tsx";
import { TroubleList } from "./trouble-list.tsx";

export function ErCard({ er, site }: { er: Er; site: Site }) {
  const t = useTranslations();
  const now = useNow(60_000);
  const link = er.online ? "online" : "offline";
  const { timeZone } = site;
  return (
    <Card className="space-y-2.5 px-4 py-3">
      <div>
        <div className="flex items-center justify-between gap-2">
          <h3 className="truncate font-semibold">
            <Link to="/ers/$erId" params={{ erId: er.erId }} className="rounded hover:underline">
              {er.erId}
            </Link>
          </h3>
          <Badge {...ONLINE_LOOK[link]}>{t(`online.${link}`)}</Badge>
        </div>
        {!er.online && (
          <p className="mt-1 text-sm text-amber">
            {er.lastSeenAt === null ? t("er.neverSeen") : t("er.lastSeen")}{" "}
            {er.lastSeenAt !== null && <When at={er.lastSeenAt} timeZone={timeZone} />}
          </p>
        )}
      </div>
      <TroubleList troubles={troublesOf(er, site, now)} />
      <dl className="grid grid-cols-2 gap-x-4 gap-y-2.5 text-sm">
        <BacklogFact er={er} />
        <ClockFact er={er} />
        <PolicyFact er={er} site={site} />
        <JournalFact er={er} />
      </dl>
      <Link
        to="/ers/$erId"
        params={{ erId: er.erId }}
        className="inline-block rounded text-sm text-accent hover:underline"
      >
        {t("er.more")}
      </Link>
    </Card>
  );
}

export function BacklogFact({ er }: { er: Er }) {
  const t = useTranslations();
  return (
    <Fact term={t("er.backlog")}>
      <span className={er.backlog >= BACKLOG_ENTRIES ? "font-medium text-amber" : ""}>
        {t("er.entries", { count: er.backlog })}
      </span>
    </Fact>
  );
}

/** What the ER knows of the time, and how far its own clock is off. */
export function ClockFact({ er }: { er: Er }) {
  const t = useTranslations();
  const format = useFormat();
  const code = useCode();
  const offset = clockOffsetMs(er);
  const by = Math.abs(offset ?? 0);
  return (
    <Fact term={t("er.clock")}>
      <span className={er.clock === "untrusted" ? "font-medium text-amber" : ""}>
        {er.clock === null ? MISSING : (code("clock", er.clock) ?? er.clock)}
      </span>
      {by >= 1_000 && (
        <span className="block text-ink-3">
          {t(offset !== null && offset > 0 ? "er.clockBehind" : "er.clockAhead", { by: format.duration(by) })}
        </span>
      )}
    </Fact>
  );
}

/** The tier by which the site decides, and when its rules last changed. */
export function PolicyFact({ er, site }: { er: Er; site: Site }) {
  const t = useTranslations();
  const now = useNow(60_000);
  const freshness = freshnessOf(er, site.rules, now);
  return (
    <Fact term={t("er.policy")}>
      <span className={freshness === "old" || freshness === "none" ? "font-medium text-amber" : ""}>
        {t(`freshness.${freshness}`)}
      </span>
      {er.policyVersion !== null && (
        <span className="block text-ink-3">
          {/* A policy's version is the time of its last change. */}
          {t("er.policyOf")} <Ago at={new Date(er.policyVersion).toISOString()} timeZone={site.timeZone} />
        </span>
      )}
    </Fact>
  );
}

export function JournalFact({ er }: { er: Er }) {
  const t = useTranslations();
  const format = useFormat();
  const { gauges } = er;
  if (gauges === null) return <Fact term={t("er.journal")}>{MISSING}</Fact>;
  const thinned = gauges.pressure !== "none" && gauges.pressure !== "compact";
  return (
    <Fact term={t("er.journal")}>
      <span className={thinned ? "font-medium text-amber" : ""}>{t(`pressure.${gauges.pressure}`)}</span>
      <span className="block text-ink-3">
        {t("er.journalUsed", {
          used: format.bytes(gauges.journalBytes),
          budget: format.bytes(gauges.journalBudgetBytes),
        })}
      </span>
    </Fact>
  );
}
