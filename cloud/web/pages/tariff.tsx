/** A tariff: what does a session cost by it? Terms on one side, what they come to on the other; versions below. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Tariff } from "../../api/tariff-schemas.ts";
import { AskDialog } from "../components/ask-dialog.tsx";
import { Badge } from "../components/badge.tsx";
import { Card, Section, Skeleton } from "../components/card.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote, ProblemPage } from "../components/problem.tsx";
import { TariffAssignments } from "../components/tariff-assignments.tsx";
import { TariffFields } from "../components/tariff-form.tsx";
import { TariffPreviewCard } from "../components/tariff-preview.tsx";
import { TermsInWords } from "../components/tariff-terms.tsx";
import { When } from "../components/time.tsx";
import { cloudNow, newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { useMoney } from "../lib/money.ts";
import { draftOf, tariffOf, termsOf, type TariffDraft, type TariffProblems } from "../lib/tariff.ts";
import { assignmentsQuery, tariffEtag, tariffQuery, tariffVersionsQuery } from "../lib/tariff-queries.ts";

const route = getRouteApi("/tariffs/$tariffId");
const NEW = "new";
const NO_PROBLEMS: TariffProblems = new Map();

export function TariffPage() {
  const t = useTranslations();
  const { tariffId } = route.useParams();
  const isNew = tariffId === NEW;
  const query = useQuery({ ...tariffQuery(tariffId), enabled: !isNew });
  const assignments = useQuery({ ...assignmentsQuery(), enabled: !isNew });
  if (query.isError && query.data === undefined)
    return <ProblemPage error={query.error} onRetry={() => void query.refetch()} />;
  if (!isNew && query.data === undefined) return <Skeleton className="h-96 w-full rounded-xl" />;
  const tariff = query.data ?? null;
  return (
    <>
      <PageHead title={tariff?.name ?? t("tariffs.create")}>
        <p className="mt-1 text-ink-2">
          <Link to="/tariffs" className="rounded text-sm text-accent hover:underline">
            {t("tariffs.toAll")}
          </Link>
          {tariff !== null && (
            <span className="text-sm"> · {t("tariffs.version", { version: String(tariff.version) })}</span>
          )}
        </p>
        {tariff !== null && (
          <div className="mt-3">
            <TermsInWords terms={tariff.terms} />
          </div>
        )}
      </PageHead>
      <Editor key={tariff?.version ?? NEW} tariff={tariff} />
      {tariff !== null && (
        <>
          <div className="mt-8">
            <TariffAssignments query={assignments} tariffs={[tariff]} only={tariff.tariffId} />
          </div>
          <Versions tariff={tariff} />
          <Remove tariff={tariff} />
        </>
      )}
    </>
  );
}

function useSave(tariff: Tariff | null) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const save = useMutation({
    mutationFn: (body: NonNullable<ReturnType<typeof tariffOf>["body"]>) =>
      tariff === null
        ? call("createTariff", { body, idempotencyKey })
        : call("publishTariffVersion", {
            path: { tariffId: tariff.tariffId },
            ...{ body, idempotencyKey, ifMatch: tariffEtag(tariff) },
          }),
    onSuccess: async ({ tariffId }) => {
      await client.invalidateQueries({ queryKey: ["tariffs"] });
      await navigate({ to: "/tariffs/$tariffId", params: { tariffId } });
    },
  });
  const reset = () => {
    save.reset();
    setIdempotencyKey(newId());
  };
  return { save, reset };
}

function Editor({ tariff }: { tariff: Tariff | null }) {
  const t = useTranslations();
  const money = useMoney();
  const [draft, setDraft] = useState<TariffDraft>(() => draftOf(tariff, money));
  const [asked, setAsked] = useState(false);
  const { save, reset } = useSave(tariff);
  const { body, problems } = tariffOf(draft, cloudNow());
  return (
    <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_22rem]">
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(true);
          if (body !== null && !save.isPending) save.mutate(body);
        }}
      >
        <Card className="space-y-5 px-4 py-4 sm:px-5">
          <TariffFields
            draft={draft}
            set={(change) => {
              setDraft({ ...draft, ...change });
              reset();
            }}
            problems={asked ? problems : NO_PROBLEMS}
            isNew={tariff === null}
          />
          {tariff !== null && <p className="text-sm text-ink-2">{t("tariffs.publishHint")}</p>}
          {save.isError && <ProblemNote error={save.error} />}
          <div className="flex justify-end">
            <MayButton needs="tariffs:write" type="submit" look="primary" disabled={save.isPending}>
              {tariff === null ? t("tariffs.save") : t("tariffs.publish")}
            </MayButton>
          </div>
        </Card>
      </form>
      <div className="lg:sticky lg:top-20">
        <TariffPreviewCard terms={termsOf(draft).terms} />
      </div>
    </div>
  );
}

function Versions({ tariff }: { tariff: Tariff }) {
  const t = useTranslations();
  const query = useQuery(tariffVersionsQuery(tariff.tariffId));
  const items = query.data?.items ?? [];
  return (
    <Section title={t("tariffs.versions")} count={String(items.length)} className="mt-8">
      {query.isError && <ProblemNote error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Skeleton className="h-24 w-full rounded-xl" />}
      {items.length > 0 && (
        <Card className="overflow-hidden">
          <ul className="divide-y divide-line">
            {items.map(({ version, validFrom, validTo, terms, createdBy }) => (
              <li key={version} className="gap-6 px-4 py-3 text-sm sm:flex">
                <div className="sm:w-56 sm:shrink-0">
                  <p className="flex items-center gap-2 font-medium">
                    {t("tariffs.version", { version: String(version) })}
                    {version === tariff.currentVersion && (
                      <Badge tone="accent" icon="check">
                        {t("tariffs.holdsNow")}
                      </Badge>
                    )}
                  </p>
                  <p className="text-ink-2">
                    {t("tariffs.since")} <When at={validFrom} ago={false} />
                    {validTo !== null && (
                      <>
                        {" "}
                        {t("tariffs.until")} <When at={validTo} ago={false} />
                      </>
                    )}
                  </p>
                  <p className="text-[0.8125rem] text-ink-3">{t("tariffs.by", { name: createdBy })}</p>
                </div>
                <TermsInWords terms={terms} />
              </li>
            ))}
          </ul>
        </Card>
      )}
    </Section>
  );
}

function Remove({ tariff }: { tariff: Tariff }) {
  const t = useTranslations();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  if (tariff.assignments > 0) return null;
  return (
    <div className="mt-8 flex flex-wrap items-center gap-3">
      <MayButton needs="tariffs:write" look="plain" onClick={() => setAsking(true)}>
        {t("tariffs.delete")}
      </MayButton>
      <p className="text-sm text-ink-3">{t("tariffs.deleteHint")}</p>
      {asking && (
        <AskDialog
          title={t("tariffs.deleteTitle", { name: tariff.name })}
          action={t("tariffs.delete")}
          onClose={() => setAsking(false)}
          onAct={async () => {
            await call("deleteTariff", { path: { tariffId: tariff.tariffId } });
            await navigate({ to: "/tariffs" });
            client.removeQueries({ queryKey: ["tariffs", "one", tariff.tariffId] });
            await client.invalidateQueries({ queryKey: ["tariffs"] });
          }}
        >
          <p>{t("tariffs.deleteAsk")}</p>
        </AskDialog>
      )}
    </div>
  );
}
