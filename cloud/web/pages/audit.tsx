/** The audit: who wrote what and when, newest first. Filters stand in the address; the same as one CSV file. */
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Button } from "../components/button.tsx";
import { Card, Empty, Skeleton } from "../components/card.tsx";
import { TextField } from "../components/field.tsx";
import { Icon } from "../components/icon.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { When } from "../components/time.tsx";
import type { AuditEntry } from "../lib/api.gen.ts";
import { download } from "../lib/api.ts";
import { filterOf, linesOf } from "../lib/audit.ts";
import { pathOf } from "../lib/client.ts";
import { auditQuery } from "../lib/people.ts";
import { useAuditAction } from "../lib/audit-words.ts";
import type { AuditSearch } from "../people-routes.ts";

const route = getRouteApi("/audit");

export function AuditPage() {
  const t = useTranslations();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const filter = filterOf(search);
  const audit = useInfiniteQuery(auditQuery(filter));
  const csv = useMutation({ mutationFn: () => download(pathOf("exportAudit"), "audit.csv", filter) });
  const items = audit.data?.pages.flatMap((page) => page.items) ?? [];
  const narrow = (change: AuditSearch) => void navigate({ search: { ...search, ...change } });
  return (
    <>
      <PageHead title={t("nav.audit")}>
        <p className="mt-1 max-w-prose text-ink-2">{t("audit.intro")}</p>
      </PageHead>
      <Filters key={JSON.stringify(search)} search={search} onChange={narrow}>
        <Button icon="download" disabled={csv.isPending} onClick={() => csv.mutate()}>
          {t("audit.csv")}
        </Button>
      </Filters>
      {csv.isError && (
        <div className="mb-4">
          <ProblemNote error={csv.error} />
        </div>
      )}
      {audit.isError && <ProblemNote error={audit.error} onRetry={() => void audit.refetch()} />}
      {audit.isPending && <Skeleton className="h-96 w-full rounded-xl" />}
      {audit.isSuccess && items.length === 0 && <Empty title={t("audit.none")}>{t("audit.noneHint")}</Empty>}
      {items.length > 0 && (
        <Card className="overflow-hidden">
          <ul className="divide-y divide-line">
            {items.map((entry) => (
              <EntryRow key={entry.auditId} entry={entry} onNarrow={narrow} />
            ))}
          </ul>
        </Card>
      )}
      {audit.hasNextPage && (
        <Button
          className="mt-4"
          disabled={audit.isFetchingNextPage}
          onClick={() => void audit.fetchNextPage()}
        >
          {t("common.older")}
        </Button>
      )}
    </>
  );
}

type FilterProps = {
  search: AuditSearch;
  onChange: (change: AuditSearch) => void;
  children: React.ReactNode;
};

function Filters({ search, onChange, children }: FilterProps) {
  const t = useTranslations();
  const active = Object.values(search).some((value) => value !== undefined);
  // On a phone the entries come first.
  const [open, setOpen] = useState(active);
  const fields = open ? "" : "max-sm:hidden";
  return (
    <form
      className="mb-4 flex flex-wrap items-end gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        const of = (name: string) => String(data.get(name) ?? "").trim() || undefined;
        onChange({
          ...{ actor: of("actor"), action: of("action"), subject: of("subject") },
          ...{ from: of("from"), to: of("to") },
        });
      }}
    >
      {(["actor", "action", "subject"] as const).map((name) => (
        <div key={name} className={`min-w-32 flex-1 max-sm:w-full max-sm:basis-full ${fields}`}>
          <TextField
            label={t(`audit.${name}`)}
            name={name}
            autoComplete="off"
            spellCheck={false}
            maxLength={300}
            defaultValue={search[name] ?? ""}
          />
        </div>
      ))}
      {(["from", "to"] as const).map((name) => (
        <div key={name} className={`w-36 max-sm:w-[calc(50%-0.25rem)] ${fields}`}>
          <TextField label={t(`audit.${name}`)} name={name} type="date" defaultValue={search[name] ?? ""} />
        </div>
      ))}
      {!open && (
        <Button className="sm:hidden" onClick={() => setOpen(true)}>
          {t("audit.filters")}
        </Button>
      )}
      <Button type="submit" className={fields}>
        {t("audit.filter")}
      </Button>
      {active && (
        <Button
          look="ghost"
          icon="x"
          onClick={() =>
            onChange({
              ...{ actor: undefined, action: undefined, subject: undefined },
              ...{ from: undefined, to: undefined },
            })
          }
        >
          {t("audit.clear")}
        </Button>
      )}
      <div className="sm:ml-auto">{children}</div>
    </form>
  );
}

/** What an entry is about, in the words of its detail where it has some. */
function nameOf({ subject, detail }: AuditEntry): string {
  const { email, name } = (detail ?? {}) as { email?: unknown; name?: unknown };
  return typeof email === "string" ? email : typeof name === "string" ? name : subject;
}

type RowProps = { entry: AuditEntry; onNarrow: (change: AuditSearch) => void };

function EntryRow({ entry, onNarrow }: RowProps) {
  const t = useTranslations();
  const words = useAuditAction();
  const [open, setOpen] = useState(false);
  const { at, actor, action, subject } = entry;
  return (
    <li className="lazy-row">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="flex w-full items-center gap-x-4 gap-y-0.5 px-4 py-2.5 text-left -outline-offset-2 hover:bg-raised
          max-sm:flex-wrap"
      >
        <span className="w-36 shrink-0 text-[0.8125rem] text-ink-3">
          <When at={at} ago={false} />
        </span>
        <span className="w-56 min-w-0 shrink-0 truncate text-[0.8125rem] text-ink-2 max-sm:order-3 max-sm:w-full">
          {actor}
        </span>
        <span className="min-w-0 flex-1 truncate font-medium max-sm:order-2 max-sm:basis-full">
          {words(action)}
          <span className="ml-2 font-mono text-[0.8125rem] font-normal text-ink-3">{nameOf(entry)}</span>
        </span>
        <Icon name="chevron" className={`size-4 text-ink-3 max-sm:hidden ${open ? "rotate-90" : ""}`} />
      </button>
      {open && (
        <div className="space-y-3 bg-ground px-4 py-3">
          <Lines entry={entry} />
          <div className="flex flex-wrap gap-2">
            <Button small onClick={() => onNarrow({ actor })}>
              {t("audit.allBy", { actor })}
            </Button>
            <Button small onClick={() => onNarrow({ subject })}>
              {t("audit.allOn")}
            </Button>
            <Button small onClick={() => onNarrow({ action })}>
              {t("audit.allSuch")}
            </Button>
          </div>
        </div>
      )}
    </li>
  );
}

function Lines({ entry }: { entry: AuditEntry }) {
  const t = useTranslations();
  const lines = linesOf(entry.detail);
  return (
    <dl className="grid gap-x-4 gap-y-1 text-sm sm:grid-cols-[minmax(8rem,auto)_1fr]">
      {lines.map(({ name, before, after }) => (
        <div key={name} className="contents">
          <dt className="font-mono text-[0.8125rem] break-all text-ink-3">{name}</dt>
          <dd className="min-w-0 break-words">
            {before !== undefined && (
              <>
                <span className="sr-only">{t("audit.before")} </span>
                <del className="text-ink-3">{before}</del>
                <span aria-hidden="true"> → </span>
                <span className="sr-only">{t("audit.after")} </span>
              </>
            )}
            {after}
          </dd>
        </div>
      ))}
      {lines.length === 0 && <p className="text-ink-3">{t("audit.noDetail")}</p>}
      <div className="contents">
        <dt className="font-mono text-[0.8125rem] text-ink-3">{t("audit.request")}</dt>
        <dd className="min-w-0 font-mono text-[0.8125rem] break-all text-ink-3">
          {entry.action} · {entry.subject} · {entry.requestId}
        </dd>
      </div>
    </dl>
  );
}
