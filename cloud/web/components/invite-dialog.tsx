/** An invitation: address, role, sites, end. Its link is shown once, for where no mail is sent or none arrives. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Invitation, MadeInvitation } from "../lib/api.gen.ts";
import { newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { grantOf, isComplete, newGrant } from "../lib/grant.ts";
import { Button } from "./button.tsx";
import { CopyLine } from "./copy.tsx";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./field.tsx";
import { GrantFields } from "./grant-form.tsx";
import { Note } from "./note.tsx";
import { ProblemNote } from "./problem.tsx";

/** @param again the one that is to be made anew, with the same role. */
export function InviteDialog({ onClose, again }: { onClose: () => void; again?: Invitation }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [email, setEmail] = useState(again?.email ?? "");
  const [draft, setDraft] = useState(() => ({
    ...newGrant(again?.role ?? "operations"),
    siteIds: again?.siteIds ?? null,
  }));
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const invite = useMutation({
    mutationFn: () =>
      call("createInvitation", { body: { email: email.trim(), ...grantOf(draft) }, idempotencyKey }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["invitations"] }),
  });
  const changed = () => {
    if (!invite.isError) return;
    invite.reset();
    setIdempotencyKey(newId());
  };
  if (invite.isSuccess) return <Invited made={invite.data} email={email} onClose={onClose} />;
  return (
    <Dialog title={t("people.inviteTitle")} onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!invite.isPending && isComplete(draft)) invite.mutate();
        }}
      >
        <TextField
          label={t("people.email")}
          type="email"
          autoComplete="off"
          required
          maxLength={254}
          value={email}
          onChange={(event) => (setEmail(event.target.value), changed())}
        />
        <GrantFields
          draft={draft}
          set={(change) => (setDraft({ ...draft, ...change }), changed())}
          endHint={t("people.endsHint")}
        />
        {invite.isError && <ProblemNote error={invite.error} />}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" look="primary" disabled={invite.isPending || !isComplete(draft)}>
            {t("people.sendInvitation")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** It is made: whether a mail went out, and the link to hand over, which is shown once. */
export function Invited({
  made,
  email,
  onClose,
}: {
  made: MadeInvitation;
  email: string;
  onClose: () => void;
}) {
  const t = useTranslations();
  const { link, mailed } = made;
  return (
    <Dialog title={t("people.invitedTitle")} onClose={onClose}>
      <div className="space-y-4">
        <Note
          icon={mailed ? "mail" : "check"}
          title={t(mailed ? "people.mailed" : "people.notMailed", { email })}
        >
          {t("people.linkHint")}
        </Note>
        {link !== null && <CopyLine text={link} />}
        <div className="flex justify-end">
          <Button look="primary" onClick={onClose}>
            {t("people.done")}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
