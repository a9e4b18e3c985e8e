/**
 * Mails: do they go out? Whether a mail server is configured, what waits, what has failed. What they say is
 * not shown.
 */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import type { Mail } from "../../api/notify-schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Empty } from "../components/card.tsx";
import { FeedList } from "../components/feed-list.tsx";
import { Icon } from "../components/icon.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { When } from "../components/time.tsx";
import { mailStateQuery } from "../lib/alarms.ts";
import { call } from "../lib/client.ts";
import { useFeed } from "../lib/feed.ts";
import type { IconName, Tone } from "../lib/state.ts";

const PAGE = 50;
const EVERY_MS = 15_000;

const LOOK: Record<Mail["status"], { icon: IconName; tone: Tone }> = {
  waiting: { icon: "clock", tone: "neutral" },
  sent: { icon: "check", tone: "accent" },
  failed: { icon: "alert", tone: "red" },
};

export function MailsPage() {
  const t = useTranslations();
  const state = useQuery({ ...mailStateQuery(), refetchInterval: EVERY_MS });
  const feed = useFeed<Mail>({
    queryKey: ["mails", "list"],
    fetchPage: (cursor, signal) => call("listMails", { query: { limit: PAGE, cursor }, signal }),
    idOf: ({ mailId }) => mailId,
    refetchInterval: EVERY_MS,
  });
  const { data } = state;
  return (
    <>
      <PageHead
        title={
          data === undefined
            ? t("alarms.mail.title")
            : !data.configured
              ? t("alarms.mail.notConfiguredTitle")
              : data.failed > 0
                ? t("alarms.mail.failed", { count: data.failed })
                : t("alarms.mail.ok")
        }
      >
        <p className="mt-1 max-w-prose text-ink-2">
          {data?.configured === false && t("alarms.mail.notConfiguredHint")}
          {data?.configured === true && t("alarms.mail.from", { from: data.from ?? "" })}
        </p>
        {data !== undefined && data.waiting > 0 && (
          <p className="mt-1 text-ink-2">{t("alarms.mail.waiting", { count: data.waiting })}</p>
        )}
        {data !== undefined && data.lastError !== null && (
          <p className="mt-3 flex max-w-prose gap-2 rounded-xl bg-amber-soft px-4 py-2.5 text-sm">
            <Icon name="alert" className="mt-0.5 size-4 text-amber" />
            {data.lastError}
          </p>
        )}
      </PageHead>
      {state.isError && <ProblemNote error={state.error} onRetry={() => void state.refetch()} />}
      <FeedList
        feed={feed}
        empty={<Empty title={t("alarms.mail.none")}>{t("alarms.mail.noneHint")}</Empty>}
        row={(mail) => <Row key={mail.mailId} mail={mail} />}
      />
    </>
  );
}

function Row({ mail }: { mail: Mail }) {
  const t = useTranslations();
  const client = useQueryClient();
  const retry = useMutation({
    mutationFn: () => call("retryMail", { path: { mailId: mail.mailId } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["mails"] }),
  });
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5">
      <div className="min-w-0 flex-1 basis-64">
        <p className="font-medium break-words">{mail.subject}</p>
        <p className="text-[0.8125rem] break-words text-ink-3">
          {mail.recipient} · <When at={mail.finishedAt ?? mail.createdAt} />
          {mail.attempts > 1 && ` · ${t("webhooks.attempts", { count: mail.attempts })}`}
        </p>
        {mail.status !== "sent" && mail.lastError !== null && (
          <p className="text-sm break-words text-amber">{mail.lastError}</p>
        )}
        {retry.isError && <ProblemNote error={retry.error} />}
      </div>
      <Badge {...LOOK[mail.status]}>{t(`alarms.mail.state.${mail.status}`)}</Badge>
      {mail.status === "failed" && (
        <MayButton needs="mails:write" small disabled={retry.isPending} onClick={() => retry.mutate()}>
          {t("alarms.mail.retry")}
        </MayButton>
      )}
    </li>
  );
}
