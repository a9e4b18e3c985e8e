/** An invitation, as who was invited sees it: what it is for, and an account of one's own or the one there is. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Button } from "../components/button.tsx";
import { TextField } from "../components/field.tsx";
import { NameField, NewPasswordField, PlainForm } from "../components/new-account.tsx";
import { Note } from "../components/note.tsx";
import { Outside } from "../components/outside.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { SignInForm } from "../components/sign-in-form.tsx";
import type { InvitationToMe } from "../lib/api.gen.ts";
import { call } from "../lib/client.ts";
import { takeLinkToken } from "../lib/link-token.ts";
import { leave } from "../lib/session.ts";
import { useCode } from "../lib/words.ts";

export function InvitationPage() {
  const t = useTranslations();
  const code = useCode();
  const [token] = useState(takeLinkToken);
  const invitation = useQuery({
    queryKey: ["invitation", token],
    enabled: token !== null,
    staleTime: Infinity,
    queryFn: ({ signal }) => call("lookUpInvitation", { body: { token: token ?? "" }, signal }),
  });
  const { data } = invitation;
  return (
    <Outside title={t("signIn.invitationTitle")}>
      {token === null && (
        <Note icon="mail" tone="amber" title={t("signIn.noToken")}>
          {t("signIn.noTokenHint")}
        </Note>
      )}
      {invitation.isError && <ProblemNote error={invitation.error} />}
      {data !== undefined && token !== null && (
        <div className="space-y-4">
          <p>
            {t("signIn.invited", {
              operator: data.operatorName,
              role: code("role", data.role) ?? data.role,
            })}
          </p>
          <p className="text-sm text-ink-2">{code("roleHint", data.role)}</p>
          {data.how === "sign-in" ? (
            <SignInFirst invitation={data} token={token} />
          ) : (
            <NewAccount invitation={data} token={token} />
          )}
        </div>
      )}
    </Outside>
  );
}

type Props = { invitation: InvitationToMe; token: string };

function enter(): void {
  leave();
  location.replace("/");
}

function NewAccount({ invitation: { email, how }, token }: Props) {
  const t = useTranslations();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const isNew = how === "create";
  const accept = useMutation({
    mutationFn: () =>
      call("acceptInvitation", { body: { token, password, ...(isNew ? { name: name.trim() } : {}) } }),
    onSuccess: enter,
  });
  return (
    <PlainForm onSubmit={() => !accept.isPending && accept.mutate()} onChange={() => accept.reset()}>
      {!isNew && <p className="text-sm text-ink-2">{t("signIn.recoverHint")}</p>}
      <TextField label={t("signIn.email")} type="email" autoComplete="username" readOnly value={email} />
      {isNew && <NameField label={t("signIn.yourName")} value={name} onChange={setName} />}
      <NewPasswordField label={t("signIn.choosePassword")} value={password} onChange={setPassword} />
      {accept.isError && <ProblemNote error={accept.error} />}
      <Button type="submit" look="primary" className="w-full" disabled={accept.isPending}>
        {t("signIn.acceptAction")}
      </Button>
    </PlainForm>
  );
}

/** There is an account with this address: its person joins, nobody else. */
function SignInFirst({ invitation: { email }, token }: Props) {
  const t = useTranslations();
  const who = useQuery({ queryKey: ["signed-in"], queryFn: ({ signal }) => call("getSignedIn", { signal }) });
  const accept = useMutation({
    mutationFn: () => call("acceptInvitation", { body: { token } }),
    onSuccess: enter,
  });
  if (who.data === undefined) return null;
  if (who.data.person?.email !== email)
    return (
      <>
        <p className="text-sm text-ink-2">{t("signIn.signInFirst", { email })}</p>
        <SignInForm email={email} onDone={() => accept.mutate()} />
        {accept.isError && <ProblemNote error={accept.error} />}
      </>
    );
  return (
    <>
      <p className="text-sm text-ink-2">{t("signIn.signedInAs", { email })}</p>
      {accept.isError && <ProblemNote error={accept.error} />}
      <Button look="primary" className="w-full" disabled={accept.isPending} onClick={() => accept.mutate()}>
        {t("signIn.acceptAction")}
      </Button>
    </>
  );
}
