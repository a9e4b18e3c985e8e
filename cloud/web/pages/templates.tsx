/** Templates: what should stations of a make have set? The list of them. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { StationTemplate } from "../../api/template-schemas.ts";
import { Card, Empty, Skeleton } from "../components/card.tsx";
import { LinkButton } from "../components/link-button.tsx";
import { MayLink } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { templatesQuery } from "../lib/queries.ts";

export function TemplatesPage() {
  const t = useTranslations();
  const query = useQuery(templatesQuery());
  const items = query.data?.items ?? [];
  return (
    <>
      <PageHead title={t("nav.templates")}>
        <p className="mt-1 max-w-prose text-ink-2">{t("templates.intro")}</p>
      </PageHead>
      <div className="mb-4 flex justify-end">
        <MayLink needs="templates:write" icon="plus" label={t("templates.create")}>
          <LinkButton to="/templates/$templateId" params={{ templateId: "new" }} icon="plus" look="primary">
            {t("templates.create")}
          </LinkButton>
        </MayLink>
      </div>
      {query.isError && query.data === undefined && (
        <ProblemNote error={query.error} onRetry={() => void query.refetch()} />
      )}
      {query.isPending && <Skeleton className="h-48 w-full rounded-xl" />}
      {query.isSuccess && items.length === 0 && (
        <Empty title={t("templates.none")}>{t("templates.noneHint")}</Empty>
      )}
      {items.length > 0 && (
        <Card className="overflow-hidden">
          <ul className="divide-y divide-line">
            {items.map((template) => (
              <Row key={template.templateId} template={template} />
            ))}
          </ul>
        </Card>
      )}
    </>
  );
}

function Row({ template }: { template: StationTemplate }) {
  const t = useTranslations();
  const { templateId, name, vendor, model, firmware, siteIds, variables, priority } = template;
  const make = [vendor, model].filter(Boolean).join(" ");
  const details = [
    make === "" ? t("templates.anyMake") : make,
    firmware !== null && t("templates.ofFirmware", { firmware }),
    siteIds !== null && t("common.atSites", { count: siteIds.length }),
    priority !== 0 && t("templates.ofPriority", { priority: String(priority) }),
  ].filter(Boolean);
  return (
    <li className="relative flex flex-wrap items-baseline gap-x-4 px-4 py-3 hover:bg-raised">
      <Link
        to="/templates/$templateId"
        params={{ templateId }}
        className="min-w-0 font-medium break-words -outline-offset-2 after:absolute after:inset-0"
      >
        {name}
      </Link>
      <span className="text-sm text-ink-2">{details.join(" · ")}</span>
      <span className="text-sm text-ink-3 sm:ml-auto">
        {t("templates.values", { count: variables.length })}
      </span>
    </li>
  );
}
