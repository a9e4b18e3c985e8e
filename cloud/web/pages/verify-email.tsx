/** The link of a mail proves whose mailbox it is, to whoever is signed in with that address. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Button } from "../components/button.tsx";
import { Note } from "../components/note.tsx";
import { Outside } from "../components/outside.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { SignInForm } from "../components/sign-in-form.tsx";
import { call } from "../lib/client.ts";
import { takeLinkToken } from "../lib/link-token.ts";

export function VerifyEmailPage() {
  const t = useTranslations();
  const [token] = useState(takeLinkToken);
  const who = useQuery({ queryKey: ["signed-in"], queryFn: ({ signal }) => call("getSignedIn", { signal }) });
  const confirm = useMutation({ mutationFn: () => call("confirmEmail", { body: { token: token ?? "" } }) });
  const person = who.data?.person;
  return (
    <Outside title={t("signIn.verifyTitle")}>
      {token === null && (
        <Note icon="mail" tone="amber" title={t("signIn.noToken")}>
          {t("signIn.noTokenHint")}
        </Note>
      )}
      {who.isError && <ProblemNote error={who.error} onRetry={() => void who.refetch()} />}
      {confirm.isSuccess && (
        <Note icon="check" title={t("signIn.verified")}>
          <a href="/" className="text-accent underline">
            {t("problem.toOverview")}
          </a>
        </Note>
      )}
      {token !== null && person === null && !confirm.isSuccess && (
        <>
          <p className="mb-4 text-sm text-ink-2">{t("signIn.verifySignIn")}</p>
          <SignInForm onDone={() => confirm.mutate()} />
        </>
      )}
      {token !== null && person !== undefined && person !== null && !confirm.isSuccess && (
        <Button look="primary" disabled={confirm.isPending} onClick={() => confirm.mutate()}>
          {t("signIn.verifyAction", { email: person.email })}
        </Button>
      )}
      {confirm.isError && (
        <div className="mt-4">
          <ProblemNote error={confirm.error} />
        </div>
      )}
    </Outside>
  );
}
