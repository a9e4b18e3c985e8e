/** Passkeys: the devices that let the person in without a password. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Passkey } from "../lib/api.gen.ts";
import { call } from "../lib/client.ts";
import { addPasskey, canPasskey, isDismissed, isKnownDevice } from "../lib/passkey.ts";
import { myPasskeysQuery } from "../lib/people.ts";
import { AskDialog } from "./ask-dialog.tsx";
import { Button } from "./button.tsx";
import { Card, Section } from "./card.tsx";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./field.tsx";
import { PlainForm } from "./new-account.tsx";
import { Note } from "./note.tsx";
import { ProblemNote } from "./problem.tsx";
import { When } from "./time.tsx";

export function AccountPasskeys() {
  const t = useTranslations();
  const [adding, setAdding] = useState(false);
  const passkeys = useQuery(myPasskeysQuery());
  const items = passkeys.data?.items ?? [];
  return (
    <Section
      title={t("account.passkeys")}
      aside={
        canPasskey() && (
          <Button small icon="plus" onClick={() => setAdding(true)}>
            {t("account.addPasskey")}
          </Button>
        )
      }
    >
      <Card className="overflow-hidden">
        <p className="px-4 py-3 text-sm text-ink-2">
          {canPasskey() ? t("account.passkeysHint") : t("account.noPasskeys")}
        </p>
        {passkeys.isError && <ProblemNote error={passkeys.error} onRetry={() => void passkeys.refetch()} />}
        <ul className="divide-y divide-line border-t border-line empty:hidden">
          {items.map((passkey) => (
            <PasskeyRow key={passkey.passkeyId} passkey={passkey} />
          ))}
        </ul>
      </Card>
      {adding && <AddDialog onClose={() => setAdding(false)} />}
    </Section>
  );
}

function PasskeyRow({ passkey: { passkeyId, name, backedUp, createdAt } }: { passkey: Passkey }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  return (
    <li className="flex items-center gap-3 px-4 py-2.5">
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium">{name}</p>
        <p className="text-[0.8125rem] text-ink-3">
          {t("account.passkeyAdded")} <When at={createdAt} ago={false} />
          {" · "}
          {backedUp ? t("account.passkeyBackedUp") : t("account.passkeyDeviceOnly")}
        </p>
      </div>
      <Button small onClick={() => setAsking(true)} aria-label={`${t("account.remove")} ${name}`}>
        {t("account.remove")}
      </Button>
      {asking && (
        <AskDialog
          title={t("account.removePasskeyTitle")}
          action={t("account.remove")}
          onAct={async () => {
            await call("removePasskey", { path: { passkeyId } });
            await client.invalidateQueries({ queryKey: ["my-passkeys"] });
          }}
          onClose={() => setAsking(false)}
        >
          <p>{t("account.removePasskeyAsk", { name })}</p>
        </AskDialog>
      )}
    </li>
  );
}

function AddDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const add = useMutation({
    mutationFn: () => addPasskey(name.trim()),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["my-passkeys"] });
      onClose();
    },
  });
  return (
    <Dialog title={t("account.addPasskey")} onClose={onClose}>
      <PlainForm onSubmit={() => !add.isPending && add.mutate()} onChange={() => add.reset()}>
        <TextField
          label={t("account.passkeyName")}
          hint={t("account.passkeyNameHint")}
          required
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        {isKnownDevice(add.error) ? (
          <Note icon="check" tone="amber" title={t("account.passkeyKnown")} />
        ) : isDismissed(add.error) ? (
          <Note icon="x" tone="amber" title={t("account.passkeyDismissed")} />
        ) : (
          add.isError && <ProblemNote error={add.error} />
        )}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" look="primary" disabled={add.isPending}>
            {t("account.next")}
          </Button>
        </div>
      </PlainForm>
    </Dialog>
  );
}
