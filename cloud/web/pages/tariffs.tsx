/** Tariffs: what does charging cost, and for whom? The list of them, and where each one holds. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { Tariff } from "../../api/tariff-schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Card, Empty, Section, Skeleton } from "../components/card.tsx";
import { LinkButton } from "../components/link-button.tsx";
import { MayLink } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { TariffAssignments } from "../components/tariff-assignments.tsx";
import { TermsInWords } from "../components/tariff-terms.tsx";
import { When } from "../components/time.tsx";

import { assignmentsQuery, tariffsQuery } from "../lib/tariff-queries.ts";

export function TariffsPage() {
  const t = useTranslations();

  const query = useQuery(tariffsQuery());
  const assignments = useQuery(assignmentsQuery());
  const items = query.data?.items ?? [];
  const inUse = items.filter((tariff) => tariff.assignments > 0).length;
  return (
    <>
      <PageHead title={t("tariffs.title")}>
        <p className="mt-1 max-w-prose text-ink-2">
          {query.isSuccess && items.length > 0 ? t("tariffs.answer", { count: inUse }) : t("tariffs.intro")}
        </p>
      </PageHead>
      {query.isError && query.data === undefined && (
        <ProblemNote error={query.error} onRetry={() => void query.refetch()} />
      )}
      <Section
        title={t("tariffs.all")}
        className="mb-8"
        aside={
          <MayLink needs="tariffs:write" icon="plus" label={t("tariffs.create")}>
            <LinkButton to="/tariffs/$tariffId" params={{ tariffId: "new" }} icon="plus" look="primary">
              {t("tariffs.create")}
            </LinkButton>
          </MayLink>
        }
      >
        {query.isPending && <Skeleton className="h-40 w-full rounded-xl" />}
        {query.isSuccess && items.length === 0 && (
          <Empty title={t("tariffs.none")}>{t("tariffs.noneHint")}</Empty>
        )}
        {items.length > 0 && (
          <Card className="overflow-hidden">
            <ul className="divide-y divide-line">
              {items.map((tariff) => (
                <Row key={tariff.tariffId} tariff={tariff} />
              ))}
            </ul>
          </Card>
        )}
      </Section>
      {items.length > 0 && <TariffAssignments query={assignments} tariffs={items} />}
    </>
  );
}

function Row({ tariff }: { tariff: Tariff }) {
  const t = useTranslations();
  const { tariffId, name, terms, assignments, currentVersion, version, validFrom } = tariff;
  return (
    <li className="relative flex flex-wrap items-start gap-x-6 gap-y-1.5 px-4 py-3 hover:bg-raised">
      <div className="min-w-0 flex-1 basis-72">
        <Link
          to="/tariffs/$tariffId"
          params={{ tariffId }}
          className="font-medium break-words -outline-offset-2 after:absolute after:inset-0"
        >
          {name}
        </Link>
        <TermsInWords terms={terms} short />
      </div>
      <div className="flex flex-col gap-0.5 text-sm sm:items-end">
        <Badge tone={assignments > 0 ? "accent" : "quiet"} icon={assignments > 0 ? "check" : "circle"}>
          {assignments > 0 ? t("tariffs.holdsFor", { count: assignments }) : t("tariffs.holdsForNobody")}
        </Badge>
        <span className="text-[0.8125rem] text-ink-3">
          {currentVersion === version || currentVersion === null ? (
            t("tariffs.version", { version: String(version) })
          ) : (
            <>
              {t("tariffs.nextFrom", { version: String(version) })} <When at={validFrom} ago={false} />
            </>
          )}
        </span>
      </div>
    </li>
  );
}
