/** The first run: whoever can read the log of the SG has a code, and becomes the first owner. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Button } from "../components/button.tsx";
import { TextField } from "../components/field.tsx";
import { NameField, NewPasswordField, PlainForm } from "../components/new-account.tsx";
import { Note } from "../components/note.tsx";
import { Outside } from "../components/outside.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { call } from "../lib/client.ts";
import { leave } from "../lib/session.ts";

export function SetupPage() {
  const t = useTranslations();
  const state = useQuery({ queryKey: ["setup"], queryFn: ({ signal }) => call("getSetup", { signal }) });
  return (
    <Outside title={t("signIn.setupTitle")}>
      {state.isError && <ProblemNote error={state.error} onRetry={() => void state.refetch()} />}
      {state.data?.ownerNeeded === false && (
        <Note icon="check" title={t("signIn.setupDone")}>
          {t("signIn.setupDoneHint")}{" "}
          <a href="/sign-in" className="text-accent underline">
            {t("signIn.title")}
          </a>
        </Note>
      )}
      {state.data?.ownerNeeded === true && <SetupForm />}
    </Outside>
  );
}

function SetupForm() {
  const t = useTranslations();
  const [code, setCode] = useState("");
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const setUp = useMutation({
    mutationFn: () => call("setUp", { body: { code, email: email.trim(), name: name.trim(), password } }),
    onSuccess: () => {
      // A key of an older visit would go before the person.
      leave();
      location.replace("/");
    },
  });
  return (
    <PlainForm onSubmit={() => !setUp.isPending && setUp.mutate()} onChange={() => setUp.reset()}>
      <p className="text-sm text-ink-2">{t("signIn.setupHint")}</p>
      <TextField
        label={t("signIn.setupCode")}
        hint={t("signIn.setupCodeHint")}
        autoComplete="off"
        spellCheck={false}
        autoFocus
        required
        maxLength={40}
        value={code}
        onChange={(event) => setCode(event.target.value)}
        className="font-mono uppercase"
      />
      <NameField label={t("signIn.yourName")} value={name} onChange={setName} />
      <TextField
        label={t("signIn.email")}
        type="email"
        autoComplete="username"
        required
        maxLength={254}
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <NewPasswordField label={t("signIn.choosePassword")} value={password} onChange={setPassword} />
      {setUp.isError && <ProblemNote error={setUp.error} />}
      <Button type="submit" look="primary" className="w-full" disabled={setUp.isPending}>
        {t("signIn.setupAction")}
      </Button>
    </PlainForm>
  );
}
