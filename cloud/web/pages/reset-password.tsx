/** A new password, by the link of a mail. It ends all sessions; then one signs in. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Button } from "../components/button.tsx";
import { NewPasswordField, PlainForm } from "../components/new-account.tsx";
import { Note } from "../components/note.tsx";
import { Outside } from "../components/outside.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { call } from "../lib/client.ts";
import { takeLinkToken } from "../lib/link-token.ts";

export function ResetPasswordPage() {
  const t = useTranslations();
  const [token] = useState(takeLinkToken);
  const [password, setPassword] = useState("");
  const reset = useMutation({
    mutationFn: () => call("resetPassword", { body: { token: token ?? "", password } }),
  });
  const toSignIn = (
    <a href="/sign-in" className="text-accent underline">
      {t("signIn.title")}
    </a>
  );
  return (
    <Outside title={t("signIn.resetTitle")}>
      {token === null ? (
        <Note icon="mail" tone="amber" title={t("signIn.noToken")}>
          {t("signIn.noTokenHint")}
        </Note>
      ) : reset.isSuccess ? (
        <Note icon="check" title={t("signIn.resetDone")}>
          {t("signIn.resetDoneHint")} {toSignIn}
        </Note>
      ) : (
        <PlainForm onSubmit={() => !reset.isPending && reset.mutate()} onChange={() => reset.reset()}>
          <NewPasswordField label={t("signIn.newPassword")} value={password} onChange={setPassword} />
          {reset.isError && <ProblemNote error={reset.error} />}
          <Button type="submit" look="primary" className="w-full" disabled={reset.isPending}>
            {t("signIn.resetAction")}
          </Button>
        </PlainForm>
      )}
    </Outside>
  );
}
