/** Transactions, newest first, with filters that live in the address. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Transaction } from "../../api/schemas.ts";
import { Button } from "../components/button.tsx";
import { Empty, Skeleton } from "../components/card.tsx";
import { Segmented, SelectField, TextField } from "../components/field.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { TransactionList } from "../components/transaction-list.tsx";
import { api } from "../lib/api.ts";
import { useFeed } from "../lib/feed.ts";
import { sitesQuery } from "../lib/queries.ts";
import type { TransactionSearch } from "../router.tsx";

const route = getRouteApi("/transactions");
const PAGE = 50;

export function TransactionsPage() {
  const t = useTranslations();
  const filter = route.useSearch();
  const sites = useQuery(sitesQuery());
  const byId = new Map(sites.data?.items.map((site) => [site.siteId, site]));
  const { siteId = "", stationId = "", status = "", idToken = "" } = filter;
  const feed = useFeed<Transaction>({
    queryKey: ["transactions", "list", siteId, stationId, status, idToken],
    fetchPage: (cursor, signal) => api.transactions({ ...filter, limit: PAGE, cursor }, signal),
    idOf: (transaction) => transaction.transactionId,
  });
  const filtered = Object.values(filter).some((value) => value !== undefined);
  return (
    <>
      <PageHead title={t("nav.transactions")} />
      <Filters filter={filter} sites={sites.data?.items ?? []} />
      {feed.query.error !== null && (
        <ProblemNote error={feed.query.error} onRetry={() => void feed.query.refetch()} />
      )}
      {feed.query.isPending && <Skeleton className="h-96 w-full rounded-xl" />}
      {feed.query.isSuccess && feed.items.length === 0 && (
        <Empty title={filtered ? t("transactions.noneFiltered") : t("transactions.none")}>
          {filtered ? t("transactions.noneFilteredHint") : t("transactions.noneHint")}
        </Empty>
      )}
      {feed.items.length > 0 && <TransactionList transactions={feed.items} siteOf={(id) => byId.get(id)} />}
      {feed.older.error !== null && <ProblemNote error={feed.older.error} />}
      {feed.hasOlder && (
        <Button className="mt-3 w-full" onClick={() => void feed.loadOlder()} disabled={feed.older.busy}>
          {t("common.older")}
        </Button>
      )}
    </>
  );
}

function Filters({
  filter,
  sites,
}: {
  filter: TransactionSearch;
  sites: readonly { siteId: string; name: string }[];
}) {
  const t = useTranslations();
  const navigate = useNavigate();
  const apply = (change: TransactionSearch) =>
    void navigate({
      to: "/transactions",
      search: { ...filter, ...change },
      replace: true,
      resetScroll: false,
    });
  return (
    <div className="mb-4 flex flex-wrap items-end gap-2" role="search" aria-label={t("transactions.filters")}>
      <Segmented
        legend={t("transactions.state")}
        value={filter.status ?? "all"}
        onChange={(status) => apply({ status: status === "all" ? undefined : status })}
        choices={(["all", "active", "ended"] as const).map((value) => ({
          value,
          label: t(`transactions.status.${value}`),
        }))}
      />
      <div className="w-48 max-sm:w-full">
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
      <TextFilter
        key={`s${filter.stationId}`}
        label={t("transactions.station")}
        value={filter.stationId}
        onApply={(stationId) => apply({ stationId })}
      />
      <TextFilter
        key={`t${filter.idToken}`}
        label={t("transactions.token")}
        value={filter.idToken}
        onApply={(idToken) => apply({ idToken })}
      />
    </div>
  );
}

type TextFilterProps = {
  label: string;
  value: string | undefined;
  onApply: (value: string | undefined) => void;
};

/** Applies on Enter or when the field is left: not a question to the cloud per letter. */
function TextFilter({ label, value, onApply }: TextFilterProps) {
  const [text, setText] = useState(value ?? "");
  const apply = () => text.trim() !== (value ?? "") && onApply(text.trim() || undefined);
  return (
    <form className="w-36 max-sm:flex-1" onSubmit={(event) => (event.preventDefault(), apply())}>
      <TextField
        label={label}
        hideLabel
        placeholder={label}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={apply}
      />
    </form>
  );
}
