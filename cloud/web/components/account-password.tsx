/** Another password. It ends all other sessions. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { call } from "../lib/client.ts";
import { Button } from "./button.tsx";
import { Card, Section } from "./card.tsx";
import { TextField } from "./field.tsx";
import { NewPasswordField, PlainForm } from "./new-account.tsx";
import { Note } from "./note.tsx";
import { ProblemNote } from "./problem.tsx";

type FieldProps = { value: string; onChange: (value: string) => void };

/** The password that holds now: asked for again before the account is made weaker. */
export function CurrentPasswordField({ value, onChange }: FieldProps) {
  const t = useTranslations();
  return (
    <TextField
      label={t("account.currentPassword")}
      type="password"
      autoComplete="current-password"
      required
      maxLength={200}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

export function AccountPassword() {
  const t = useTranslations();
  const client = useQueryClient();
  const [password, setPassword] = useState("");
  const [newPassword, setNewPassword] = useState("");
  const change = useMutation({
    mutationFn: () => call("changePassword", { body: { password, newPassword } }),
    onSuccess: () => {
      setPassword("");
      setNewPassword("");
      return client.invalidateQueries({ queryKey: ["my-sessions"] });
    },
  });
  return (
    <Section title={t("account.password")}>
      <Card className="p-4">
        <PlainForm onSubmit={() => !change.isPending && change.mutate()} onChange={() => change.reset()}>
          <CurrentPasswordField value={password} onChange={setPassword} />
          <NewPasswordField label={t("signIn.newPassword")} value={newPassword} onChange={setNewPassword} />
          {change.isSuccess && (
            <Note icon="check" title={t("account.passwordChanged")}>
              {t("account.passwordChangedHint")}
            </Note>
          )}
          {change.isError && <ProblemNote error={change.error} />}
          <Button type="submit" disabled={change.isPending}>
            {t("account.changePassword")}
          </Button>
        </PlainForm>
      </Card>
    </Section>
  );
}
