/** What is known about me? All of it as a file, and the wish that it goes (LGPD). */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { formatTaxId } from "../../../shared/tax-id.ts";
import { AskDialog } from "../components/ask-dialog.tsx";
import { Button } from "../components/button.tsx";
import { Card, Fact, Section, Skeleton } from "../components/card.tsx";
import { DownloadButton } from "../components/download-button.tsx";
import { Icon } from "../components/icon.tsx";
import { OwnHead, OwnPage, OwnProblem } from "../components/own-page.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { When } from "../components/time.tsx";
import { newId } from "../lib/api.ts";
import type { OwnProfile } from "../lib/api.gen.ts";
import { call, pathOf } from "../lib/client.ts";
import { MISSING } from "../lib/format.ts";
import { ownProfileQuery } from "../lib/own.ts";

export function MyDataPage() {
  const t = useTranslations();
  const query = useQuery(ownProfileQuery());
  if (query.isError && query.data === undefined)
    return <OwnProblem error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Skeleton className="h-96 w-full rounded-xl" />;
  const profile = query.data;
  return (
    <OwnPage>
      <OwnHead title={t("own.data.title")}>
        <p className="mt-1 text-ink-2">{t("own.data.intro", { operator: profile.operatorName })}</p>
      </OwnHead>
      <Card className="px-4 py-4 sm:px-5">
        <dl className="grid gap-x-6 gap-y-3 sm:grid-cols-2">
          {(["name", "email", "phone", "taxId"] as const).map((field) => (
            <Fact key={field} term={t(`own.data.field.${field}`)}>
              {(field === "taxId" && profile.taxId !== null ? formatTaxId(profile.taxId) : profile[field]) ??
                MISSING}
            </Fact>
          ))}
          <Fact term={t("own.data.since")}>
            <When at={profile.createdAt} ago={false} />
          </Fact>
        </dl>
        <p className="mt-4 border-t border-line pt-3 text-sm text-ink-2">{t("own.data.change")}</p>
      </Card>
      <Section title={t("own.data.copy")} className="mt-8">
        <p className="mb-3 max-w-prose text-ink-2">{t("own.data.copyHint")}</p>
        <DownloadButton
          className="w-full sm:w-auto"
          path={pathOf("exportOwnData")}
          name={`${t("own.data.file")}.json`}
        >
          {t("own.data.download")}
        </DownloadButton>
      </Section>
      <Erasure profile={profile} />
    </OwnPage>
  );
}

function Erasure({ profile: { erasureRequestedAt, operatorName } }: { profile: OwnProfile }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const refresh = () => client.invalidateQueries({ queryKey: ["own", "profile"] });
  const stay = useMutation({
    mutationFn: () => call("withdrawOwnErasure", { idempotencyKey: newId() }),
    onSuccess: refresh,
  });
  return (
    <Section title={t("own.data.erase")} className="mt-8">
      {erasureRequestedAt === null ? (
        <>
          <p className="mb-3 max-w-prose text-ink-2">{t("own.data.eraseHint", { operator: operatorName })}</p>
          <Button className="w-full sm:w-auto" onClick={() => setAsking(true)}>
            {t("own.data.ask")}
          </Button>
        </>
      ) : (
        <div className="rounded-xl bg-amber-soft px-4 py-3">
          <p className="flex gap-2 font-medium text-amber">
            <Icon name="clock" className="mt-1 size-4" />
            <span>
              {t("own.data.asked")} <When at={erasureRequestedAt} ago={false} />
            </span>
          </p>
          <p className="mt-1">{t("own.data.askedHint", { operator: operatorName })}</p>
          <Button className="mt-3 w-full sm:w-auto" disabled={stay.isPending} onClick={() => stay.mutate()}>
            {t("own.data.stay")}
          </Button>
          {stay.isError && <ProblemNote error={stay.error} />}
        </div>
      )}
      {asking && (
        <AskDialog
          title={t("own.data.askTitle")}
          action={t("own.data.ask")}
          onClose={() => setAsking(false)}
          onAct={async () => {
            await call("requestOwnErasure", { idempotencyKey: newId() });
            await refresh();
          }}
        >
          <p>{t("own.data.askText", { operator: operatorName })}</p>
          <ul className="list-disc space-y-1 pl-5">
            <li>{t("own.data.goes")}</li>
            <li>{t("own.data.stays")}</li>
          </ul>
        </AskDialog>
      )}
    </Section>
  );
}
