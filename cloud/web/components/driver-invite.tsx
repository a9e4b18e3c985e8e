/** A driver signs in, or is invited to: whoever accepts is this driver, and sees what is its own. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Driver } from "../../api/driver-schemas.ts";
import { newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./field.tsx";
import { Icon } from "./icon.tsx";
import { Invited } from "./invite-dialog.tsx";
import { MayButton } from "./may.tsx";
import { ProblemNote } from "./problem.tsx";

export function DriverSignIn({ driver }: { driver: Driver }) {
  const t = useTranslations();
  const [inviting, setInviting] = useState(false);
  if (driver.userId !== null)
    return (
      <p className="flex gap-2">
        <Icon name="check" className="mt-0.5 size-4 text-accent" />
        {t("drivers.signsIn")}
      </p>
    );
  return (
    <>
      <p className="mb-2 text-ink-2">{t("drivers.signsInNot")}</p>
      <MayButton needs="users:write" small icon="mail" onClick={() => setInviting(true)}>
        {t("drivers.invite")}
      </MayButton>
      {inviting && <InviteDialog driver={driver} onClose={() => setInviting(false)} />}
    </>
  );
}

function InviteDialog({ driver, onClose }: { driver: Driver; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [email, setEmail] = useState(driver.email ?? "");
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const invite = useMutation({
    mutationFn: () => {
      const body = { email: email.trim(), role: "driver" as const, driverId: driver.driverId };
      return call("createInvitation", { body, idempotencyKey });
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["invitations"] }),
  });
  if (invite.isSuccess) return <Invited made={invite.data} email={email} onClose={onClose} />;
  return (
    <Dialog title={t("drivers.inviteTitle", { name: driver.name ?? t("drivers.noName") })} onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!invite.isPending) invite.mutate();
        }}
      >
        <p className="text-ink-2">{t("drivers.inviteHint")}</p>
        <TextField
          label={t("people.email")}
          type="email"
          autoComplete="off"
          required
          maxLength={254}
          value={email}
          onChange={(event) => {
            setEmail(event.target.value);
            invite.reset();
            setIdempotencyKey(newId());
          }}
        />
        {invite.isError && <ProblemNote error={invite.error} />}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" look="primary" disabled={invite.isPending}>
            {t("people.sendInvitation")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
