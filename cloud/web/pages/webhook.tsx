/** An endpoint of webhooks: does what happens arrive there? Deliveries with their answers, and sending again. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { WebhookDelivery, WebhookEndpoint } from "../../api/notify-schemas.ts";
import { AskDialog } from "../components/ask-dialog.tsx";
import { Badge } from "../components/badge.tsx";
import { Empty, Section, Skeleton } from "../components/card.tsx";
import { CopyBlock } from "../components/copy.tsx";
import { Dialog } from "../components/dialog.tsx";
import { FeedList } from "../components/feed-list.tsx";
import { Segmented } from "../components/field.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote, ProblemPage } from "../components/problem.tsx";
import { SecretNote } from "../components/secret-note.tsx";
import { When } from "../components/time.tsx";
import { WebhookFields, type WebhookDraft } from "../components/webhook-fields.tsx";
import { cloudNow, newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { useFeed } from "../lib/feed.ts";
import type { IconName, Tone } from "../lib/state.ts";
import { ENDPOINT_LOOK, endpointState } from "./webhooks.tsx";

const route = getRouteApi("/webhooks/$endpointId");
const PAGE = 50;
const EVERY_MS = 5_000;
const REPLAY_BACK_MS = 3 * 86_400_000;

const LOOK: Record<WebhookDelivery["status"], { icon: IconName; tone: Tone }> = {
  pending: { icon: "clock", tone: "neutral" },
  delivered: { icon: "check", tone: "accent" },
  failed: { icon: "alert", tone: "red" },
};

export function WebhookPage() {
  const t = useTranslations();
  const { endpointId } = route.useParams();
  const { status } = route.useSearch();
  const navigate = useNavigate();
  const query = useQuery({
    queryKey: ["webhooks", "endpoints"],
    refetchInterval: EVERY_MS,
    queryFn: ({ signal }) => call("listWebhookEndpoints", { query: { limit: 100 }, signal }),
  });
  const feed = useFeed<WebhookDelivery>({
    queryKey: ["webhooks", "deliveries", endpointId, status ?? ""],
    fetchPage: (cursor, signal) =>
      call("listWebhookDeliveries", { query: { endpointId, status, limit: PAGE, cursor }, signal }),
    idOf: ({ deliveryId }) => deliveryId,
    refetchInterval: EVERY_MS,
  });
  if (query.isError && query.data === undefined)
    return <ProblemPage error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Skeleton className="h-96 w-full rounded-xl" />;
  const endpoint = query.data.items.find((one) => one.endpointId === endpointId);
  if (endpoint === undefined) return <Empty title={t("webhooks.noSuch")} heading />;
  return (
    <>
      <Head endpoint={endpoint} />
      <Section
        title={t("webhooks.deliveries")}
        aside={
          <Segmented
            legend={t("webhooks.deliveries")}
            value={status ?? "all"}
            onChange={(next) =>
              void navigate({
                ...{ to: "/webhooks/$endpointId", params: { endpointId } },
                search: { status: next === "all" ? undefined : next },
              })
            }
            choices={(["all", "pending", "failed", "delivered"] as const).map((value) => ({
              ...{ value, label: t(`webhooks.deliveryState.${value}`) },
            }))}
          />
        }
      >
        <FeedList
          feed={feed}
          empty={<Empty title={t("webhooks.noDeliveries")}>{t("webhooks.noDeliveriesHint")}</Empty>}
          row={(delivery) => <Row key={delivery.deliveryId} delivery={delivery} />}
        />
      </Section>
    </>
  );
}

function Head({ endpoint }: { endpoint: WebhookEndpoint }) {
  const t = useTranslations();
  const client = useQueryClient();
  const state = endpointState(endpoint);
  const [open, setOpen] = useState<"edit" | "rotate" | "delete" | "replay" | null>(null);
  const path = { endpointId: endpoint.endpointId };
  const refresh = () => client.invalidateQueries({ queryKey: ["webhooks"] });
  const act = useMutation({
    mutationFn: async (what: "test" | "toggle"): Promise<unknown> =>
      what === "test"
        ? call("testWebhookEndpoint", { path })
        : call("updateWebhookEndpoint", { path, body: { enabled: !endpoint.enabled } }),
    onSuccess: refresh,
  });
  return (
    <PageHead
      title={endpoint.description ?? t("webhooks.one")}
      badge={<Badge {...ENDPOINT_LOOK[state]}>{t(`webhooks.state.${state}`)}</Badge>}
    >
      <p className="mt-1 font-mono text-[0.8125rem] break-all text-ink-2">{endpoint.url}</p>
      <p className="mt-1 text-sm text-ink-2">
        <Link
          to="/webhooks"
          className="rounded text-accent underline decoration-line-strong underline-offset-2"
        >
          {t("webhooks.toAll")}
        </Link>{" "}
        · {endpoint.eventTypes.length === 0 ? t("webhooks.everyType") : endpoint.eventTypes.join(", ")}
      </p>
      {state !== "ok" && (
        <p className="mt-3 max-w-prose rounded-xl bg-amber-soft px-4 py-2.5 text-sm">
          {t(`webhooks.stateHint.${state}`)}
          {endpoint.failingSince !== null && (
            <>
              {" "}
              <When at={endpoint.failingSince} />
            </>
          )}
        </p>
      )}
      {endpoint.oldSecretUntil !== null && (
        <p className="mt-2 text-sm text-ink-3">
          {t("webhooks.oldSecretUntil")} <When at={endpoint.oldSecretUntil} ago={false} />
        </p>
      )}
      <div className="mt-4 flex flex-wrap gap-2">
        <MayButton
          needs="webhooks:write"
          icon="send"
          disabled={act.isPending}
          onClick={() => act.mutate("test")}
        >
          {t("webhooks.test")}
        </MayButton>
        <MayButton needs="webhooks:write" onClick={() => setOpen("edit")}>
          {t("webhooks.edit")}
        </MayButton>
        {endpoint.failed > 0 && (
          <MayButton needs="webhooks:write" icon="restart" onClick={() => setOpen("replay")}>
            {t("webhooks.replayFailed")}
          </MayButton>
        )}
        <MayButton needs="webhooks:write" onClick={() => setOpen("rotate")}>
          {t("webhooks.rotate")}
        </MayButton>
        <MayButton needs="webhooks:write" disabled={act.isPending} onClick={() => act.mutate("toggle")}>
          {t(endpoint.enabled ? "webhooks.switchOff" : "webhooks.switchOn")}
        </MayButton>
        <MayButton needs="webhooks:write" look="ghost" onClick={() => setOpen("delete")}>
          {t("webhooks.delete")}
        </MayButton>
      </div>
      {act.isError && (
        <div className="mt-3">
          <ProblemNote error={act.error} />
        </div>
      )}
      {open === "edit" && <EditDialog endpoint={endpoint} onClose={() => setOpen(null)} />}
      {open === "rotate" && <RotateDialog endpoint={endpoint} onClose={() => setOpen(null)} />}
      {open === "delete" && <DeleteDialog endpoint={endpoint} onClose={() => setOpen(null)} />}
      {open === "replay" && (
        <AskDialog
          title={t("webhooks.replayFailed")}
          action={t("webhooks.replayFailed")}
          danger={false}
          onClose={() => setOpen(null)}
          onAct={async () => {
            const since = new Date(cloudNow() - REPLAY_BACK_MS).toISOString();
            await call("replayWebhookFailures", { path, body: { since } });
            await refresh();
          }}
        >
          <p>{t("webhooks.replayAsk")}</p>
        </AskDialog>
      )}
    </PageHead>
  );
}

type DialogProps = { endpoint: WebhookEndpoint; onClose: () => void };

function EditDialog({ endpoint, onClose }: DialogProps) {
  const t = useTranslations();
  const client = useQueryClient();
  const [draft, setDraft] = useState<WebhookDraft>({
    ...{ url: endpoint.url, description: endpoint.description ?? "", eventTypes: endpoint.eventTypes },
  });
  return (
    <AskDialog
      title={t("webhooks.edit")}
      action={t("webhooks.save")}
      danger={false}
      onClose={onClose}
      onAct={async () => {
        const body = {
          ...{ url: draft.url.trim(), eventTypes: [...draft.eventTypes] },
          description: draft.description.trim() || null,
        };
        await call("updateWebhookEndpoint", { path: { endpointId: endpoint.endpointId }, body });
        await client.invalidateQueries({ queryKey: ["webhooks"] });
      }}
    >
      <WebhookFields draft={draft} set={(change) => setDraft({ ...draft, ...change })} />
    </AskDialog>
  );
}

function RotateDialog({ endpoint, onClose }: DialogProps) {
  const t = useTranslations();
  const client = useQueryClient();
  const [made, setMade] = useState<{ secret: string | null }>();
  if (made !== undefined)
    return (
      <Dialog title={t("webhooks.rotate")} onClose={onClose}>
        <SecretNote secret={made.secret} onClose={onClose} />
      </Dialog>
    );
  return (
    <AskDialog
      title={t("webhooks.rotate")}
      action={t("webhooks.rotate")}
      danger={false}
      onClose={() => made === undefined && onClose()}
      onAct={async () => {
        const path = { endpointId: endpoint.endpointId };
        const rotated = await call("rotateWebhookSecret", { path, body: {}, idempotencyKey: newId() });
        await client.invalidateQueries({ queryKey: ["webhooks"] });
        setMade(rotated);
      }}
    >
      <p>{t("webhooks.rotateAsk")}</p>
    </AskDialog>
  );
}

function DeleteDialog({ endpoint, onClose }: DialogProps) {
  const t = useTranslations();
  const client = useQueryClient();
  const navigate = useNavigate();
  return (
    <AskDialog
      title={t("webhooks.deleteTitle")}
      action={t("webhooks.delete")}
      onClose={onClose}
      onAct={async () => {
        await call("deleteWebhookEndpoint", { path: { endpointId: endpoint.endpointId } });
        await navigate({ to: "/webhooks" });
        await client.invalidateQueries({ queryKey: ["webhooks"] });
      }}
    >
      <p className="break-all">{t("webhooks.deleteAsk", { url: endpoint.url })}</p>
    </AskDialog>
  );
}

function Row({ delivery }: { delivery: WebhookDelivery }) {
  const t = useTranslations();
  const client = useQueryClient();
  const replay = useMutation({
    mutationFn: () => call("replayWebhookDelivery", { path: { deliveryId: delivery.deliveryId } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["webhooks"] }),
  });
  const { type, status, attempts, lastStatus, lastError, lastResponse, happenedAt, nextAt } = delivery;
  return (
    <li className="px-4 py-2.5 text-sm">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
        <code className="min-w-0 flex-1 basis-44 font-mono text-[0.8125rem]">{type}</code>
        <span className="text-[0.8125rem] text-ink-3">
          <When at={happenedAt} />
        </span>
        <Badge {...LOOK[status]}>{t(`webhooks.deliveryState.${status}`)}</Badge>
        {status !== "pending" && (
          <MayButton
            needs="webhooks:write"
            small
            look="ghost"
            disabled={replay.isPending}
            onClick={() => replay.mutate()}
          >
            {t("webhooks.replay")}
          </MayButton>
        )}
      </div>
      <p className="text-[0.8125rem] text-ink-3">
        {t("webhooks.attempts", { count: attempts })}
        {lastStatus !== null && ` · HTTP ${lastStatus}`}
        {nextAt !== null && (
          <>
            {" · "}
            {t("webhooks.next")} <When at={nextAt} ago={false} />
          </>
        )}
      </p>
      {status !== "delivered" && lastError !== null && <p className="text-amber">{lastError}</p>}
      {replay.isError && <ProblemNote error={replay.error} />}
      <details className="mt-1">
        <summary className="inline-block rounded text-[0.8125rem] text-accent">
          {t("webhooks.content")}
        </summary>
        <div className="mt-1.5 space-y-2">
          <CopyBlock text={JSON.stringify(delivery.data, null, 2)} />
          {lastResponse !== null && lastResponse !== "" && (
            <>
              <p className="text-[0.8125rem] text-ink-3">{t("webhooks.response")}</p>
              <CopyBlock text={lastResponse} />
            </>
          )}
        </div>
      </details>
    </li>
  );
}
