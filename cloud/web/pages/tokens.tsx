/** Tokens: who may charge. Blocking asks first, in words that name the token. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { IdTokenView } from "../../api/rule-schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Button } from "../components/button.tsx";
import { Card, Empty, Skeleton } from "../components/card.tsx";
import { Dialog } from "../components/dialog.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { When } from "../components/time.tsx";
import { TokenFileButtons } from "../components/token-file.tsx";
import { TokenForm } from "../components/token-form.tsx";
import { api, fetchAll } from "../lib/api.ts";
import { useFormat } from "../lib/i18n.ts";
import { useNow } from "../components/time.tsx";

const PAGE = 200;
const PAGES_MAX = 10;

export function TokensPage() {
  const t = useTranslations();
  const [creating, setCreating] = useState(false);
  const [find, setFind] = useState("");
  const tokens = useQuery({
    queryKey: ["tokens"],
    queryFn: ({ signal }) => fetchAll((cursor) => api.idTokens({ limit: PAGE, cursor }, signal), PAGES_MAX),
  });
  const wanted = find.trim().toLowerCase();
  const items = tokens.data?.items ?? [];
  const shown = items.filter(({ idToken, label, groupId }) =>
    `${idToken} ${label ?? ""} ${groupId ?? ""}`.toLowerCase().includes(wanted),
  );
  return (
    <>
      <PageHead title={t("nav.tokens")}>
        <p className="mt-1 max-w-prose text-ink-2">{t("tokens.intro")}</p>
      </PageHead>
      <div className="mb-4 flex flex-wrap gap-2">
        <input
          type="search"
          aria-label={t("tokens.find")}
          placeholder={t("tokens.find")}
          value={find}
          onChange={(event) => setFind(event.target.value)}
          className="h-10 w-60 min-w-0 rounded-lg border border-line-strong bg-surface px-3 max-sm:w-full
            pointer-coarse:h-11"
        />
        <div className="flex flex-wrap gap-2 sm:ml-auto">
          <TokenFileButtons />
        </div>
        <MayButton needs="id-tokens:write" look="primary" icon="plus" onClick={() => setCreating(true)}>
          {t("tokens.create")}
        </MayButton>
      </div>
      {tokens.isError && tokens.data === undefined && (
        <ProblemNote error={tokens.error} onRetry={() => void tokens.refetch()} />
      )}
      {tokens.isPending && <Skeleton className="h-72 w-full rounded-xl" />}
      {tokens.isSuccess && shown.length === 0 && (
        <Empty title={items.length === 0 ? t("tokens.none") : t("tokens.noneFound")}>
          {items.length === 0 ? t("tokens.noneHint") : t("tokens.noneFoundHint")}
        </Empty>
      )}
      {shown.length > 0 && (
        <Card className="overflow-hidden">
          <ul className="divide-y divide-line">
            {shown.map((token) => (
              <TokenRow key={token.idToken} token={token} />
            ))}
          </ul>
        </Card>
      )}
      {tokens.data?.complete === false && (
        <p className="mt-2 text-sm text-ink-3">{t("common.cut", { count: items.length })}</p>
      )}
      {creating && <TokenForm token={null} onClose={() => setCreating(false)} />}
    </>
  );
}

function TokenRow({ token }: { token: IdTokenView }) {
  const t = useTranslations();
  const now = useNow(60_000);
  const format = useFormat();
  const [asking, setAsking] = useState(false);
  const [editing, setEditing] = useState(false);
  const { idToken, label, type, groupId, master, expiresAt, siteIds, stationIds } = token;
  const blocked = token.status === "Blocked";
  const expired = expiresAt !== null && Date.parse(expiresAt) < now;
  const details = [
    type,
    groupId !== null && t("common.inGroup", { group: groupId }),
    master && t("tokens.isMaster"),
    siteIds !== null && t("common.atSites", { count: siteIds.length }),
    stationIds !== null && t("tokens.atStations", { count: stationIds.length }),
    token.trusted && t("tokens.isTrusted"),
    token.maxConcurrent !== null && t("tokens.atOnce", { count: token.maxConcurrent }),
    token.maxEnergyWh !== null && t("tokens.upTo", { energy: format.energy(token.maxEnergyWh) }),
  ].filter(Boolean);
  return (
    <li className="lazy-row flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5">
      <div className="min-w-0 flex-1 basis-48">
        <p className="truncate font-medium">
          {label ?? idToken}
          {label !== null && (
            <span className="ml-2 font-mono text-[0.8125rem] font-normal text-ink-2">{idToken}</span>
          )}
        </p>
        <p className="text-[0.8125rem] text-ink-3">
          {details.join(" · ")}
          {expiresAt !== null && (
            <>
              {details.length > 0 && " · "}
              {t(expired ? "tokens.expired" : "tokens.expires")} <When at={expiresAt} ago={false} />
            </>
          )}
        </p>
      </div>
      <div className="flex items-center gap-3">
        <Badge
          tone={blocked ? "amber" : expired ? "quiet" : "neutral"}
          icon={blocked ? "block" : expired ? "clock" : "check"}
        >
          {t(`tokenStatus.${blocked ? "Blocked" : expired ? "Expired" : "Accepted"}`)}
        </Badge>
        <MayButton
          needs="id-tokens:write"
          small
          look="ghost"
          onClick={() => setEditing(true)}
          aria-label={`${t("common.edit")} ${label ?? idToken}`}
        >
          {t("common.edit")}
        </MayButton>
        <MayButton
          needs="id-tokens:write"
          small
          className="w-28"
          onClick={() => setAsking(true)}
          aria-label={`${blocked ? t("tokens.unblock") : t("tokens.block")} ${label ?? idToken}`}
        >
          {blocked ? t("tokens.unblock") : t("tokens.block")}
        </MayButton>
      </div>
      {editing && <TokenForm token={token} onClose={() => setEditing(false)} />}
      {asking && <BlockDialog token={token} onClose={() => setAsking(false)} />}
    </li>
  );
}

function BlockDialog({ token, onClose }: { token: IdTokenView; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const { idToken } = token;
  const block = token.status === "Accepted";
  const name = token.label === null ? idToken : `${token.label} (${idToken})`;
  const patch = useMutation({
    mutationFn: () => api.patchIdToken(idToken, { status: block ? "Blocked" : "Accepted" }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["tokens"] });
      onClose();
    },
  });
  return (
    <Dialog title={block ? t("tokens.blockTitle") : t("tokens.unblockTitle")} onClose={onClose}>
      <p className="mb-4">{t(block ? "tokens.blockAsk" : "tokens.unblockAsk", { token: name })}</p>
      {patch.isError && <ProblemNote error={patch.error} />}
      <div className="mt-4 flex justify-end gap-2">
        <Button look="ghost" onClick={onClose}>
          {t("common.cancel")}
        </Button>
        <Button look={block ? "danger" : "primary"} disabled={patch.isPending} onClick={() => patch.mutate()}>
          {block ? t("tokens.block") : t("tokens.unblock")}
        </Button>
      </div>
    </Dialog>
  );
}
