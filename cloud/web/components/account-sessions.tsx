/** Where the person is signed in, and an end to that. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import { browserName } from "../lib/browser-name.ts";
import { call } from "../lib/client.ts";
import { mySessionsQuery } from "../lib/people.ts";
import { Badge } from "./badge.tsx";
import { Button } from "./button.tsx";
import { Card, Section, Skeleton } from "./card.tsx";
import { ProblemNote } from "./problem.tsx";
import { When } from "./time.tsx";

export function AccountSessions({ className }: { className?: string }) {
  const t = useTranslations();
  const client = useQueryClient();
  const sessions = useQuery(mySessionsQuery());
  const refresh = () => client.invalidateQueries({ queryKey: ["my-sessions"] });
  const revoke = useMutation({
    mutationFn: (sessionId: string) => call("revokeMySession", { path: { sessionId } }),
    onSuccess: refresh,
  });
  const revokeOthers = useMutation({
    mutationFn: () => call("revokeMyOtherSessions", {}),
    onSuccess: refresh,
  });
  const items = sessions.data?.items ?? [];
  const error = sessions.error ?? revoke.error ?? revokeOthers.error;
  return (
    <Section
      title={t("account.sessions")}
      {...(className !== undefined && { className })}
      aside={
        items.length > 1 && (
          <Button small disabled={revokeOthers.isPending} onClick={() => revokeOthers.mutate()}>
            {t("account.endOthers")}
          </Button>
        )
      }
    >
      {error !== null && <ProblemNote error={error} />}
      {sessions.isPending && <Skeleton className="h-32 w-full rounded-xl" />}
      {items.length > 0 && (
        <Card className="overflow-hidden">
          <ul className="divide-y divide-line">
            {items.map(({ sessionId, current, userAgent, address, createdAt }) => (
              <li key={sessionId} className="flex min-h-14 items-center gap-3 px-4 py-2.5">
                <div className="min-w-0 flex-1" title={userAgent ?? ""}>
                  <p className="truncate font-medium">
                    {browserName(userAgent) ?? t("account.unknownBrowser")}
                  </p>
                  <p className="truncate text-[0.8125rem] text-ink-3">
                    {t("account.since")} <When at={createdAt} ago={false} />
                    {address !== null && ` · ${address}`}
                  </p>
                </div>
                {current ? (
                  <Badge tone="accent" icon="check">
                    {t("account.thisOne")}
                  </Badge>
                ) : (
                  <Button small disabled={revoke.isPending} onClick={() => revoke.mutate(sessionId)}>
                    {t("account.end")}
                  </Button>
                )}
              </li>
            ))}
          </ul>
        </Card>
      )}
    </Section>
  );
}
