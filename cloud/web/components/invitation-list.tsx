/** Invitations: open ones first; those that are over only when they are asked for. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Invitation } from "../lib/api.gen.ts";
import { call } from "../lib/client.ts";
import { invitationsQuery } from "../lib/people.ts";
import { useCode } from "../lib/words.ts";
import { AskDialog } from "./ask-dialog.tsx";
import { Badge } from "./badge.tsx";
import { Button } from "./button.tsx";
import { Card, Section } from "./card.tsx";
import { InviteDialog } from "./invite-dialog.tsx";
import { MayButton } from "./may.tsx";
import { ProblemNote } from "./problem.tsx";
import { ScopeWords } from "./scope-words.tsx";
import { When } from "./time.tsx";

const STATE = {
  open: { tone: "amber", icon: "clock" },
  accepted: { tone: "neutral", icon: "check" },
  revoked: { tone: "quiet", icon: "ban" },
  expired: { tone: "quiet", icon: "clock" },
} as const;

export function InvitationList({ className }: { className?: string }) {
  const t = useTranslations();
  const [all, setAll] = useState(false);
  const invitations = useQuery(invitationsQuery());
  const items = invitations.data?.items ?? [];
  const shown = all ? items : items.filter(({ state }) => state === "open");
  const over = items.length - items.filter(({ state }) => state === "open").length;
  if (invitations.isError) return <ProblemNote error={invitations.error} />;
  if (items.length === 0) return null;
  return (
    <Section
      title={t("people.invitations")}
      {...(className !== undefined && { className })}
      aside={
        over > 0 && (
          <Button small look="ghost" onClick={() => setAll(!all)}>
            {all ? t("people.onlyOpen") : t("people.alsoOver", { count: over })}
          </Button>
        )
      }
    >
      {shown.length === 0 ? (
        <p className="text-sm text-ink-3">{t("people.noneOpen")}</p>
      ) : (
        <Card className="overflow-hidden">
          <ul className="divide-y divide-line">
            {shown.map((invitation) => (
              <InvitationRow key={invitation.invitationId} invitation={invitation} />
            ))}
          </ul>
        </Card>
      )}
    </Section>
  );
}

function InvitationRow({ invitation }: { invitation: Invitation }) {
  const t = useTranslations();
  const code = useCode();
  const client = useQueryClient();
  const [asking, setAsking] = useState<"revoke" | "again" | null>(null);
  const { invitationId, email, role, siteIds, state, createdBy, validUntil } = invitation;
  const { tone, icon } = STATE[state];
  return (
    <li className="lazy-row flex flex-wrap items-center gap-x-4 gap-y-1.5 px-4 py-3">
      <div className="min-w-0 flex-1 basis-64">
        <p className="truncate font-medium">{email}</p>
        <p className="text-[0.8125rem] text-ink-3">
          {code("role", role) ?? role} · <ScopeWords siteIds={siteIds} /> ·{" "}
          {t("people.invitedBy", { by: createdBy })}
        </p>
      </div>
      <div className="flex flex-wrap items-center gap-2 max-sm:w-full">
        {state === "open" && (
          <span className="text-[0.8125rem] text-ink-3">
            {t("people.validUntil")} <When at={validUntil} ago={false} />
          </span>
        )}
        <Badge tone={tone} icon={icon}>
          {t(`people.state.${state}`)}
        </Badge>
        {state !== "accepted" && (
          <MayButton
            needs="users:write"
            small
            look="ghost"
            onClick={() => setAsking("again")}
            aria-label={`${t("people.again")} ${email}`}
          >
            {t("people.again")}
          </MayButton>
        )}
        {state === "open" && (
          <MayButton
            needs="users:write"
            small
            onClick={() => setAsking("revoke")}
            aria-label={`${t("people.revoke")} ${email}`}
          >
            {t("people.revoke")}
          </MayButton>
        )}
      </div>
      {asking === "again" && <InviteDialog again={invitation} onClose={() => setAsking(null)} />}
      {asking === "revoke" && (
        <AskDialog
          title={t("people.revokeTitle")}
          action={t("people.revoke")}
          onAct={async () => {
            await call("revokeInvitation", { path: { invitationId } });
            await client.invalidateQueries({ queryKey: ["invitations"] });
          }}
          onClose={() => setAsking(null)}
        >
          <p>{t("people.revokeAsk", { email })}</p>
        </AskDialog>
      )}
    </li>
  );
}
