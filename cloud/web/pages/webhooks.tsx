/** Webhooks: who is told what happens here, and does it arrive? Endpoints; the secret of a new one is shown once. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { WebhookEndpoint } from "../../api/notify-schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Button } from "../components/button.tsx";
import { Card, Empty, Skeleton } from "../components/card.tsx";
import { Dialog } from "../components/dialog.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { SecretNote } from "../components/secret-note.tsx";
import { WebhookFields, type WebhookDraft } from "../components/webhook-fields.tsx";
import { newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import type { IconName, Tone } from "../lib/state.ts";

const EVERY_MS = 15_000;

/** How it goes with an endpoint, the worst first. Pure. */
export function endpointState(endpoint: WebhookEndpoint): "gone" | "off" | "failing" | "ok" {
  if (endpoint.disabledBecause === "gone") return "gone";
  if (!endpoint.enabled) return "off";
  return endpoint.failingSince === null ? "ok" : "failing";
}

export const ENDPOINT_LOOK: Record<ReturnType<typeof endpointState>, { icon: IconName; tone: Tone }> = {
  gone: { icon: "ban", tone: "red" },
  off: { icon: "pause", tone: "quiet" },
  failing: { icon: "alert", tone: "amber" },
  ok: { icon: "check", tone: "accent" },
};

export function WebhooksPage() {
  const t = useTranslations();
  const [creating, setCreating] = useState(false);
  const query = useQuery({
    queryKey: ["webhooks", "endpoints"],
    refetchInterval: EVERY_MS,
    queryFn: ({ signal }) => call("listWebhookEndpoints", { query: { limit: 100 }, signal }),
  });
  const items = query.data?.items ?? [];
  const failing = items.filter((one) => ["gone", "failing"].includes(endpointState(one))).length;
  return (
    <>
      <PageHead title={t("webhooks.title")}>
        <p className="mt-1 max-w-prose text-ink-2">
          {items.length > 0 ? t("webhooks.answer", { count: failing }) : t("webhooks.intro")}
        </p>
      </PageHead>
      <div className="mb-4 flex justify-end">
        <MayButton needs="webhooks:write" look="primary" icon="plus" onClick={() => setCreating(true)}>
          {t("webhooks.create")}
        </MayButton>
      </div>
      {query.isError && query.data === undefined && (
        <ProblemNote error={query.error} onRetry={() => void query.refetch()} />
      )}
      {query.isPending && <Skeleton className="h-48 w-full rounded-xl" />}
      {query.isSuccess && items.length === 0 && (
        <Empty title={t("webhooks.none")}>{t("webhooks.noneHint")}</Empty>
      )}
      {items.length > 0 && (
        <Card className="overflow-hidden">
          <ul className="divide-y divide-line">
            {items.map((endpoint) => (
              <Row key={endpoint.endpointId} endpoint={endpoint} />
            ))}
          </ul>
        </Card>
      )}
      {creating && <CreateDialog onClose={() => setCreating(false)} />}
    </>
  );
}

function Row({ endpoint }: { endpoint: WebhookEndpoint }) {
  const t = useTranslations();
  const { endpointId, url, description, eventTypes, pending, failed } = endpoint;
  const state = endpointState(endpoint);
  const details = [
    eventTypes.length === 0 ? t("webhooks.everyType") : eventTypes.join(", "),
    pending > 0 && t("webhooks.pending", { count: pending }),
    failed > 0 && t("webhooks.failed", { count: failed }),
  ].filter(Boolean);
  return (
    <li className="relative flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3 hover:bg-raised">
      <div className="min-w-0 flex-1 basis-64">
        <Link
          to="/webhooks/$endpointId"
          params={{ endpointId }}
          className="font-medium break-all -outline-offset-2 after:absolute after:inset-0"
        >
          {description ?? url}
        </Link>
        {description !== null && <p className="truncate font-mono text-xs text-ink-3">{url}</p>}
        <p className="text-[0.8125rem] break-words text-ink-3">{details.join(" · ")}</p>
      </div>
      <Badge {...ENDPOINT_LOOK[state]}>{t(`webhooks.state.${state}`)}</Badge>
    </li>
  );
}

function CreateDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [draft, setDraft] = useState<WebhookDraft>({ url: "https://", description: "", eventTypes: [] });
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const create = useMutation({
    mutationFn: () =>
      call("createWebhookEndpoint", {
        body: {
          ...{ url: draft.url.trim(), eventTypes: [...draft.eventTypes] },
          ...(draft.description.trim() === "" ? {} : { description: draft.description.trim() }),
        },
        idempotencyKey,
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["webhooks"] }),
  });
  return (
    <Dialog title={t("webhooks.create")} onClose={onClose}>
      {create.isSuccess ? (
        <SecretNote secret={create.data.secret} onClose={onClose} />
      ) : (
        <form
          className="space-y-4"
          onSubmit={(event) => {
            event.preventDefault();
            if (!create.isPending) create.mutate();
          }}
        >
          <WebhookFields
            draft={draft}
            set={(change) => {
              setDraft({ ...draft, ...change });
              create.reset();
              setIdempotencyKey(newId());
            }}
          />
          {create.isError && <ProblemNote error={create.error} />}
          <div className="flex justify-end gap-2">
            <Button look="ghost" onClick={onClose}>
              {t("common.cancel")}
            </Button>
            <Button type="submit" look="primary" disabled={create.isPending}>
              {t("webhooks.save")}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
