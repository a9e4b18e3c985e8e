/** One person: another role, other sites, another end; signed out everywhere; removed. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { User } from "../lib/api.gen.ts";
import { call } from "../lib/client.ts";
import { dayOf, grantOf, isComplete, type GrantDraft } from "../lib/grant.ts";
import { AskDialog } from "./ask-dialog.tsx";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { GrantFields } from "./grant-form.tsx";
import { ProblemNote } from "./problem.tsx";

type Props = { user: User; onClose: () => void };

export function UserDialog({ user, onClose }: Props) {
  const [asking, setAsking] = useState<"remove" | "sign-out" | null>(null);
  if (asking === "remove") return <RemoveDialog user={user} onClose={onClose} />;
  if (asking === "sign-out") return <SignOutDialog user={user} onClose={onClose} />;
  return <ChangeDialog user={user} onClose={onClose} onAsk={setAsking} />;
}

function ChangeDialog({ user, onClose, onAsk }: Props & { onAsk: (what: "remove" | "sign-out") => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const { userId, name, email } = user;
  const [draft, setDraft] = useState<GrantDraft>({
    role: user.role,
    siteIds: user.siteIds,
    expiresOn: dayOf(user.expiresAt),
  });
  const save = useMutation({
    mutationFn: () => call("updateUser", { path: { userId }, body: grantOf(draft) }),
    onSuccess: async () => {
      await Promise.all(
        ["users", "me", "keys", "invitations"].map((noun) => client.invalidateQueries({ queryKey: [noun] })),
      );
      onClose();
    },
  });
  return (
    <Dialog title={name === "" ? email : name} onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!save.isPending && isComplete(draft)) save.mutate();
        }}
      >
        <p className="text-sm text-ink-2">{email}</p>
        <GrantFields
          draft={draft}
          set={(change) => (setDraft({ ...draft, ...change }), save.reset())}
          endHint={t("people.endsHint")}
        />
        {save.isError && <ProblemNote error={save.error} />}
        <div className="flex flex-wrap justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" look="primary" disabled={save.isPending || !isComplete(draft)}>
            {t("people.save")}
          </Button>
        </div>
        <div className="flex flex-wrap gap-2 border-t border-line pt-4">
          <Button small onClick={() => onAsk("sign-out")}>
            {t("people.signOut")}
          </Button>
          <Button small className="text-red" onClick={() => onAsk("remove")}>
            {t("people.remove")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function RemoveDialog({ user: { userId, name, email }, onClose }: Props) {
  const t = useTranslations();
  const client = useQueryClient();
  return (
    <AskDialog
      title={t("people.removeTitle")}
      action={t("people.remove")}
      onAct={async () => {
        await call("removeUser", { path: { userId } });
        await Promise.all(
          ["users", "keys", "invitations"].map((noun) => client.invalidateQueries({ queryKey: [noun] })),
        );
      }}
      onClose={onClose}
    >
      <p>{t("people.removeAsk", { name: name === "" ? email : `${name} (${email})` })}</p>
    </AskDialog>
  );
}

function SignOutDialog({ user: { userId, name, email }, onClose }: Props) {
  const t = useTranslations();
  return (
    <AskDialog
      title={t("people.signOutTitle")}
      action={t("people.signOut")}
      onAct={() => call("revokeUserSessions", { path: { userId } })}
      onClose={onClose}
    >
      <p>{t("people.signOutAsk", { name: name === "" ? email : `${name} (${email})` })}</p>
    </AskDialog>
  );
}
