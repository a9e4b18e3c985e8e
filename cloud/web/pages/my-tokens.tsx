/** With what can I charge? A driver's own cards, keys and apps. */
import { useTranslations } from "use-intl";
import type { OwnIdToken } from "../../api/own-schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Empty } from "../components/card.tsx";
import { FeedList } from "../components/feed-list.tsx";
import { OwnHead, OwnPage, OwnProblem } from "../components/own-page.tsx";
import { useNow } from "../components/time.tsx";
import { call } from "../lib/client.ts";
import { useFeed } from "../lib/feed.ts";
import { useFormat } from "../lib/i18n.ts";

const PAGE = 50;

export function MyTokensPage() {
  const t = useTranslations();
  const feed = useFeed<OwnIdToken>({
    queryKey: ["own", "tokens"],
    fetchPage: (cursor, signal) => call("listOwnIdTokens", { query: { limit: PAGE, cursor }, signal }),
    idOf: ({ idToken }) => idToken,
  });
  if (feed.query.isError && feed.items.length === 0)
    return <OwnProblem error={feed.query.error} onRetry={() => void feed.query.refetch()} />;
  return (
    <OwnPage>
      <OwnHead title={t("own.tokens.title")}>
        <p className="mt-1 text-ink-2">{t("own.tokens.intro")}</p>
      </OwnHead>
      <FeedList
        feed={feed}
        empty={<Empty title={t("own.tokens.none")}>{t("own.tokens.noneHint")}</Empty>}
        row={(token) => <Row key={token.idToken} token={token} />}
      />
    </OwnPage>
  );
}

function Row({ token }: { token: OwnIdToken }) {
  const t = useTranslations();
  const format = useFormat();
  const now = useNow(60_000);
  const { idToken, label, status, expiresAt } = token;
  const ends = expiresAt === null ? null : Date.parse(expiresAt);
  const state = status === "Blocked" ? "blocked" : ends !== null && ends <= now ? "expired" : "good";
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3">
      <div className="min-w-0 flex-1">
        <p className="font-medium break-words">{label ?? t("own.tokens.card")}</p>
        <p className="truncate font-mono text-[0.8125rem] text-ink-3">{idToken}</p>
      </div>
      <div className="text-right">
        {state === "good" ? (
          <Badge tone="accent" icon="check">
            {t("own.tokens.good")}
          </Badge>
        ) : (
          <Badge tone="amber" icon={state === "blocked" ? "block" : "clock"}>
            {t(`own.tokens.${state}`)}
          </Badge>
        )}
        {ends !== null && (
          <p className="text-[0.8125rem] text-ink-3">
            {t(state === "expired" ? "own.tokens.ended" : "own.tokens.ends", {
              at: format.dayMinute(ends, now),
            })}
          </p>
        )}
      </div>
    </li>
  );
}
