/** People: who works here, what they may and where; invitations that are open. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Badge } from "../components/badge.tsx";
import { Card, Empty, Section, Skeleton } from "../components/card.tsx";
import { InvitationList } from "../components/invitation-list.tsx";
import { InviteDialog } from "../components/invite-dialog.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { ScopeWords } from "../components/scope-words.tsx";
import { useNow } from "../components/time.tsx";
import { UserDialog } from "../components/user-dialog.tsx";
import type { User } from "../lib/api.gen.ts";
import { lastMoment } from "../lib/grant.ts";
import { useFormat } from "../lib/i18n.ts";
import { useMe } from "../lib/me.ts";
import { usersQuery } from "../lib/people.ts";
import { useCode } from "../lib/words.ts";

export function PeoplePage() {
  const t = useTranslations();
  const [inviting, setInviting] = useState(false);
  const users = useQuery(usersQuery());
  const items = users.data?.items ?? [];
  return (
    <>
      <PageHead title={t("nav.people")}>
        <p className="mt-1 max-w-prose text-ink-2">{t("people.intro")}</p>
      </PageHead>
      <Section
        title={t("people.users")}
        {...(users.isSuccess && { count: String(items.length) })}
        aside={
          <MayButton needs="users:write" look="primary" icon="plus" onClick={() => setInviting(true)}>
            {t("people.invite")}
          </MayButton>
        }
      >
        {users.isError && users.data === undefined && (
          <ProblemNote error={users.error} onRetry={() => void users.refetch()} />
        )}
        {users.isPending && <Skeleton className="h-60 w-full rounded-xl" />}
        {users.isSuccess && items.length === 0 && (
          <Empty title={t("people.none")}>{t("people.noneHint")}</Empty>
        )}
        {items.length > 0 && (
          <Card className="overflow-hidden">
            <ul className="divide-y divide-line">
              {items.map((user) => (
                <UserRow key={user.userId} user={user} />
              ))}
            </ul>
          </Card>
        )}
        {users.data?.complete === false && (
          <p className="mt-2 text-sm text-ink-3">{t("common.cut", { count: items.length })}</p>
        )}
      </Section>
      <InvitationList className="mt-8" />
      {inviting && <InviteDialog onClose={() => setInviting(false)} />}
    </>
  );
}

function UserRow({ user }: { user: User }) {
  const t = useTranslations();
  const code = useCode();
  const format = useFormat();
  const now = useNow(60_000);
  const me = useMe();
  const [changing, setChanging] = useState(false);
  const { name, email, role, siteIds, expiresAt, twoFactor } = user;
  const ended = expiresAt !== null && Date.parse(expiresAt) <= now;
  return (
    <li className="lazy-row flex flex-wrap items-center gap-x-4 gap-y-1.5 px-4 py-3">
      <div className="min-w-0 flex-1 basis-56">
        <p className="truncate font-medium">
          {name === "" ? email : name}
          {me?.person?.userId === user.userId && (
            <span className="ml-2 text-[0.8125rem] font-normal text-ink-3">{t("people.you")}</span>
          )}
        </p>
        {name !== "" && <p className="truncate text-[0.8125rem] text-ink-2">{email}</p>}
      </div>
      <div className="min-w-0 basis-64 max-sm:basis-full">
        <p className="truncate">
          <span className="font-medium">{code("role", role) ?? role}</span>
          <span className="text-ink-3"> · </span>
          <ScopeWords siteIds={siteIds} />
        </p>
        <p className="truncate text-[0.8125rem] text-ink-3" title={code("roleHint", role) ?? ""}>
          {expiresAt === null
            ? code("roleHint", role)
            : t(ended ? "people.endedAt" : "people.endsAt", {
                at: format.dayMinute(lastMoment(expiresAt), now),
              })}
        </p>
      </div>
      <div className="flex items-center gap-3 max-sm:w-full max-sm:justify-between">
        {ended ? (
          <Badge tone="quiet" icon="clock">
            {t("people.isEnded")}
          </Badge>
        ) : (
          <Badge tone={twoFactor ? "neutral" : "quiet"} icon={twoFactor ? "check" : "unlock"}>
            {twoFactor ? t("people.twoFactor") : t("people.passwordOnly")}
          </Badge>
        )}
        <MayButton
          needs="users:write"
          small
          onClick={() => setChanging(true)}
          aria-label={`${t("people.change")} ${email}`}
        >
          {t("people.change")}
        </MayButton>
      </div>
      {changing && <UserDialog user={user} onClose={() => setChanging(false)} />}
    </li>
  );
}
