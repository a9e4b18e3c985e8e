/** CDRs: what was billed? The latest first, by site. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { CdrView } from "../../api/money-schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Empty } from "../components/card.tsx";
import { CdrTabs } from "../components/cdr-tabs.tsx";
import { FeedList } from "../components/feed-list.tsx";
import { SelectField } from "../components/field.tsx";
import { PageHead } from "../components/page-head.tsx";
import { When } from "../components/time.tsx";
import { call } from "../lib/client.ts";
import { useFeed } from "../lib/feed.ts";
import { useFormat } from "../lib/i18n.ts";
import { useAccountName } from "../lib/money-words.ts";
import { useMoney } from "../lib/money.ts";
import { sitesQuery } from "../lib/queries.ts";

const route = getRouteApi("/cdrs");
const PAGE = 50;
const EVERY_MS = 30_000;

export function CdrsPage() {
  const t = useTranslations();
  const { siteId, payer } = route.useSearch();
  const navigate = useNavigate();
  const accountName = useAccountName();
  const sites = useQuery(sitesQuery());
  const feed = useFeed<CdrView>({
    queryKey: ["cdrs", "list", siteId ?? "", payer ?? ""],
    fetchPage: (cursor, signal) =>
      call("listCdrs", { query: { siteId, payer, limit: PAGE, cursor }, signal }),
    idOf: ({ cdrId }) => cdrId,
    refetchInterval: EVERY_MS,
  });
  const last = feed.items[0];
  return (
    <>
      <PageHead title={t("money.cdrs.title")}>
        <p className="mt-1 max-w-prose text-ink-2">
          {last === undefined
            ? t("money.cdrs.intro")
            : t("money.cdrs.answer", { number: String(Math.max(...feed.items.map(({ number }) => number))) })}
        </p>
      </PageHead>
      <CdrTabs />
      <div className="mb-4 flex flex-wrap items-center gap-3">
        <SelectField
          label={t("common.site")}
          hideLabel
          className="w-56"
          value={siteId ?? ""}
          onChange={(event) =>
            void navigate({ to: "/cdrs", search: { siteId: event.target.value || undefined, payer } })
          }
        >
          <option value="">{t("common.allSites")}</option>
          {sites.data?.items.map((site) => (
            <option key={site.siteId} value={site.siteId}>
              {site.name}
            </option>
          ))}
        </SelectField>
        {payer !== undefined && (
          <p className="text-sm text-ink-2">
            {t("money.cdrs.ofPayer", { payer: accountName(payer) })}{" "}
            <Link
              to="/cdrs"
              search={{ siteId }}
              className="rounded text-accent underline decoration-line-strong underline-offset-2"
            >
              {t("money.showAll")}
            </Link>
          </p>
        )}
      </div>
      <FeedList
        feed={feed}
        empty={<Empty title={t("money.cdrs.none")}>{t("money.cdrs.noneHint")}</Empty>}
        row={(cdr) => <Row key={cdr.cdrId} cdr={cdr} />}
      />
    </>
  );
}

function Row({ cdr }: { cdr: CdrView }) {
  const t = useTranslations();
  const format = useFormat();
  const money = useMoney();
  const accountName = useAccountName();
  return (
    <li className="lazy-row relative flex flex-wrap items-center gap-x-4 gap-y-0.5 px-4 py-2.5 hover:bg-raised">
      <div className="min-w-0 flex-1 basis-56">
        <p>
          <Link
            to="/cdrs/$cdrId"
            params={{ cdrId: cdr.cdrId }}
            className="font-medium -outline-offset-2 after:absolute after:inset-0"
          >
            {t("money.cdrNumber", { number: String(cdr.number) })}
          </Link>{" "}
          <span className="text-ink-2">{cdr.stationId}</span>
        </p>
        <p className="truncate text-[0.8125rem] text-ink-3">
          <When at={cdr.endedAt} timeZone={cdr.timeZone} ago={false} /> · {accountName(cdr.payer)}
        </p>
      </div>
      {cdr.status === "corrected" && (
        <Badge tone="quiet" icon="restart">
          {t("money.cdrs.corrected")}
        </Badge>
      )}
      {cdr.corrects !== null && cdr.status === "standing" && (
        <Badge tone="neutral" icon="restart">
          {t("money.cdrs.correction")}
        </Badge>
      )}
      <span className="w-24 text-right text-sm text-ink-2">{format.energy(cdr.energyWh)}</span>
      <span
        className={`w-28 text-right font-medium ${cdr.status === "corrected" ? "text-ink-3 line-through" : ""}`}
      >
        {money.amount(cdr.totalMinor, cdr.currency)}
      </span>
    </li>
  );
}
