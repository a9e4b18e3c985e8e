/** API keys: what programs sign in with. A key is shown once, when it is made. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { AskDialog } from "../components/ask-dialog.tsx";
import { Badge } from "../components/badge.tsx";
import { Button } from "../components/button.tsx";
import { Card, Empty, Section, Skeleton } from "../components/card.tsx";
import { KeyDialog } from "../components/key-dialog.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { ScopeWords } from "../components/scope-words.tsx";
import { Ago, useNow, When } from "../components/time.tsx";
import type { ApiKey } from "../lib/api.gen.ts";
import { call } from "../lib/client.ts";
import { lastMoment } from "../lib/grant.ts";
import { keysQuery } from "../lib/people.ts";
import { useCode } from "../lib/words.ts";

const isOver = ({ revokedAt, expiresAt }: ApiKey, now: number): boolean =>
  revokedAt !== null || (expiresAt !== null && Date.parse(expiresAt) <= now);

export function KeysPage() {
  const t = useTranslations();
  const [creating, setCreating] = useState(false);
  const [all, setAll] = useState(false);
  const now = useNow(60_000);
  const keys = useQuery(keysQuery());
  const items = keys.data?.items ?? [];
  const working = items.filter((key) => !isOver(key, now));
  const shown = all ? items : working;
  return (
    <>
      <PageHead title={t("nav.keys")}>
        <p className="mt-1 max-w-prose text-ink-2">{t("keys.intro")}</p>
      </PageHead>
      <Section
        title={t("keys.working")}
        {...(keys.isSuccess && { count: String(working.length) })}
        aside={
          <div className="flex flex-wrap justify-end gap-2">
            {items.length > working.length && (
              <Button look="ghost" onClick={() => setAll(!all)}>
                {all ? t("keys.onlyWorking") : t("keys.alsoOver", { count: items.length - working.length })}
              </Button>
            )}
            <MayButton needs="keys:write" look="primary" icon="plus" onClick={() => setCreating(true)}>
              {t("keys.create")}
            </MayButton>
          </div>
        }
      >
        {keys.isError && keys.data === undefined && (
          <ProblemNote error={keys.error} onRetry={() => void keys.refetch()} />
        )}
        {keys.isPending && <Skeleton className="h-60 w-full rounded-xl" />}
        {keys.isSuccess && shown.length === 0 && <Empty title={t("keys.none")}>{t("keys.noneHint")}</Empty>}
        {shown.length > 0 && (
          <Card className="overflow-hidden">
            <ul className="divide-y divide-line">
              {shown.map((key) => (
                <KeyRow key={key.keyId} apiKey={key} />
              ))}
            </ul>
          </Card>
        )}
      </Section>
      {creating && <KeyDialog onClose={() => setCreating(false)} />}
    </>
  );
}

function KeyState({ apiKey }: { apiKey: ApiKey }) {
  const t = useTranslations();
  const now = useNow(60_000);
  if (apiKey.revokedAt !== null)
    return (
      <Badge tone="quiet" icon="ban">
        {t("keys.revoked")}
      </Badge>
    );
  if (isOver(apiKey, now))
    return (
      <Badge tone="quiet" icon="clock">
        {t("keys.expired")}
      </Badge>
    );
  return (
    <Badge tone="neutral" icon="check">
      {t("keys.works")}
    </Badge>
  );
}

function KeyRow({ apiKey }: { apiKey: ApiKey }) {
  const t = useTranslations();
  const code = useCode();
  const now = useNow(60_000);
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const { keyId, prefix, name, role, permissions, siteIds, expiresAt, createdBy, createdAt, lastUsedAt } =
    apiKey;
  return (
    <li className="lazy-row flex flex-wrap items-center gap-x-4 gap-y-1.5 px-4 py-3">
      <div className="min-w-0 flex-1 basis-64">
        <p className="truncate font-medium">
          {name} <span className="ml-1 font-mono text-[0.8125rem] font-normal text-ink-3">{prefix}…</span>
        </p>
        <p className="text-[0.8125rem] text-ink-2">
          {code("role", role) ?? role}
          {permissions !== null && ` · ${t("keys.partOf", { count: permissions.length })}`} ·{" "}
          <ScopeWords siteIds={siteIds} />
        </p>
      </div>
      <div className="basis-64 text-[0.8125rem] text-ink-3 max-sm:basis-full">
        <p>
          {lastUsedAt === null ? t("keys.neverUsed") : t("keys.lastUsed")}{" "}
          {lastUsedAt !== null && <Ago at={lastUsedAt} />}
        </p>
        <p className="truncate">
          {expiresAt === null ? (
            <>
              {t("keys.made")} <When at={createdAt} ago={false} />
              {createdBy !== null && ` · ${createdBy}`}
            </>
          ) : (
            <>
              {t(isOver(apiKey, now) ? "keys.expiredAt" : "keys.expiresAt")}{" "}
              <When at={new Date(lastMoment(expiresAt)).toISOString()} ago={false} />
            </>
          )}
        </p>
      </div>
      <div className="flex items-center gap-3 max-sm:w-full max-sm:justify-between">
        <KeyState apiKey={apiKey} />
        {!isOver(apiKey, now) && (
          <MayButton
            needs="keys:write"
            small
            onClick={() => setAsking(true)}
            aria-label={`${t("keys.revoke")} ${name}`}
          >
            {t("keys.revoke")}
          </MayButton>
        )}
      </div>
      {asking && (
        <AskDialog
          title={t("keys.revokeTitle")}
          action={t("keys.revoke")}
          onAct={async () => {
            await call("revokeApiKey", { path: { keyId } });
            await client.invalidateQueries({ queryKey: ["keys"] });
          }}
          onClose={() => setAsking(false)}
        >
          <p>{t("keys.revokeAsk", { name })}</p>
        </AskDialog>
      )}
    </li>
  );
}
