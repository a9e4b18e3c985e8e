/**
 * Signing in as a person: password, then a code where one is asked for; a passkey; the single sign-on. Used by the
 * sign-in page, and by pages that need somebody to sign in first.
 */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { call } from "../lib/client.ts";
import { canPasskey, isDismissed, signInWithPasskey } from "../lib/passkey.ts";
import { Button } from "./button.tsx";
import { CheckField, TextField } from "./field.tsx";
import { Note } from "./note.tsx";
import { ProblemNote } from "./problem.tsx";

type Props = {
  /** Somebody is signed in. */
  onDone: () => void;
  /** The address that has to sign in; undefined: any. */
  email?: string;
};

export function SignInForm({ onDone, email }: Props) {
  const [second, setSecond] = useState(false);
  const [forgotten, setForgotten] = useState<string | null>(null);
  if (forgotten !== null) return <Forgotten email={forgotten} onBack={() => setForgotten(null)} />;
  return second ? (
    <SecondFactor onDone={onDone} onBack={() => setSecond(false)} />
  ) : (
    <Password onDone={onDone} onSecond={() => setSecond(true)} onForgotten={setForgotten} email={email} />
  );
}

type PasswordProps = {
  onDone: () => void;
  onSecond: () => void;
  onForgotten: (email: string) => void;
  email: string | undefined;
};

function Password({ onDone, onSecond, onForgotten, email: wanted }: PasswordProps) {
  const t = useTranslations();
  const [email, setEmail] = useState(wanted ?? "");
  const [password, setPassword] = useState("");
  const [remember, setRemember] = useState(true);
  const signIn = useMutation({
    mutationFn: () => call("signIn", { body: { email: email.trim(), password, remember } }),
    onSuccess: ({ next }) => (next === "done" ? onDone() : onSecond()),
  });
  return (
    <>
      <form
        className="space-y-4"
        onChange={() => signIn.reset()}
        onSubmit={(event) => {
          event.preventDefault();
          if (!signIn.isPending) signIn.mutate();
        }}
      >
        <TextField
          label={t("signIn.email")}
          type="email"
          autoComplete="username"
          autoFocus={wanted === undefined}
          required
          maxLength={254}
          readOnly={wanted !== undefined}
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <TextField
          label={t("signIn.password")}
          type="password"
          autoComplete="current-password"
          autoFocus={wanted !== undefined}
          required
          maxLength={200}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <CheckField label={t("signIn.remember")} checked={remember} onChange={setRemember} />
        {signIn.isError && <ProblemNote error={signIn.error} />}
        <Button type="submit" look="primary" className="w-full" disabled={signIn.isPending}>
          {signIn.isPending ? t("signIn.checking") : t("signIn.action")}
        </Button>
      </form>
      <OtherWays onDone={onDone} />
      <button
        type="button"
        onClick={() => onForgotten(email.trim())}
        className="mt-4 rounded py-1 text-sm text-accent underline-offset-2 hover:underline pointer-coarse:min-h-11"
      >
        {t("signIn.forgot")}
      </button>
    </>
  );
}

function OtherWays({ onDone }: { onDone: () => void }) {
  const t = useTranslations();
  const methods = useQuery({
    queryKey: ["sign-in-methods"],
    staleTime: Infinity,
    queryFn: ({ signal }) => call("getSignInMethods", { signal }),
  });
  const passkey = useMutation({ mutationFn: signInWithPasskey, onSuccess: onDone });
  const sso = useMutation({
    mutationFn: () => {
      const here = location.pathname.startsWith("/sign-in") ? "/" : location.pathname + location.search;
      // A place that the API would not send back to is not worth a failed sign-in.
      const returnTo = /^\/([\w?=&.#-][\w/?=&.#-]*)?$/.test(here) ? here : "/";
      return call("startSingleSignOn", { body: { returnTo } });
    },
    onSuccess: ({ url }) => location.assign(url),
  });
  const ssoName = methods.data?.sso?.name;
  if (!canPasskey() && ssoName === undefined) return null;
  const error = passkey.error !== null && !isDismissed(passkey.error) ? passkey.error : sso.error;
  return (
    <div className="mt-5 space-y-2.5">
      <p
        className="flex items-center gap-3 text-[0.8125rem] text-ink-3 before:h-px before:flex-1 before:bg-line
          after:h-px after:flex-1 after:bg-line"
      >
        {t("signIn.or")}
      </p>
      {canPasskey() && (
        <Button className="w-full" icon="key" disabled={passkey.isPending} onClick={() => passkey.mutate()}>
          {t("signIn.passkey")}
        </Button>
      )}
      {ssoName !== undefined && (
        <Button className="w-full" disabled={sso.isPending} onClick={() => sso.mutate()}>
          {t("signIn.sso", { name: ssoName })}
        </Button>
      )}
      {error !== null && <ProblemNote error={error} />}
    </div>
  );
}

/** After the password: a code of the app, or one of the backup codes. */
function SecondFactor({ onDone, onBack }: { onDone: () => void; onBack: () => void }) {
  const t = useTranslations();
  const [method, setMethod] = useState<"totp" | "backup-code">("totp");
  const [code, setCode] = useState("");
  const check = useMutation({
    mutationFn: () => call("signInSecondFactor", { body: { method, code: code.replaceAll(" ", "") } }),
    onSuccess: onDone,
  });
  const totp = method === "totp";
  return (
    <form
      className="space-y-4"
      onChange={() => check.reset()}
      onSubmit={(event) => {
        event.preventDefault();
        if (!check.isPending) check.mutate();
      }}
    >
      <TextField
        key={method}
        label={totp ? t("signIn.code") : t("signIn.backupCode")}
        hint={totp ? t("signIn.codeHint") : t("signIn.backupCodeHint")}
        inputMode={totp ? "numeric" : "text"}
        autoComplete="one-time-code"
        spellCheck={false}
        autoFocus
        required
        minLength={6}
        maxLength={totp ? 7 : 32}
        value={code}
        onChange={(event) => setCode(event.target.value)}
        className="font-mono text-lg tracking-widest"
      />
      {check.isError && <ProblemNote error={check.error} />}
      <Button type="submit" look="primary" className="w-full" disabled={check.isPending}>
        {check.isPending ? t("signIn.checking") : t("signIn.confirmCode")}
      </Button>
      <div className="flex flex-wrap justify-between gap-2">
        <Button
          small
          look="ghost"
          onClick={() => {
            setMethod(totp ? "backup-code" : "totp");
            setCode("");
            check.reset();
          }}
        >
          {totp ? t("signIn.useBackupCode") : t("signIn.useApp")}
        </Button>
        <Button small look="ghost" onClick={onBack}>
          {t("signIn.back")}
        </Button>
      </div>
    </form>
  );
}

/** The answer is the same whether the address is known: nobody learns here who has an account. */
function Forgotten({ email: typed, onBack }: { email: string; onBack: () => void }) {
  const t = useTranslations();
  const [email, setEmail] = useState(typed);
  const methods = useQuery({
    queryKey: ["sign-in-methods"],
    staleTime: Infinity,
    queryFn: ({ signal }) => call("getSignInMethods", { signal }),
  });
  const ask = useMutation({
    mutationFn: () => call("requestPasswordReset", { body: { email: email.trim() } }),
  });
  const back = (
    <Button look="ghost" onClick={onBack}>
      {t("signIn.back")}
    </Button>
  );
  if (methods.data?.mail === false)
    return (
      <div className="space-y-4">
        <Note icon="mail" tone="amber" title={t("signIn.noMail")}>
          {t("signIn.noMailHint")}
        </Note>
        {back}
      </div>
    );
  if (ask.isSuccess)
    return (
      <div className="space-y-4">
        <Note icon="mail" title={t("signIn.resetSent")}>
          {t("signIn.resetSentHint", { email })}
        </Note>
        {back}
      </div>
    );
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!ask.isPending) ask.mutate();
      }}
    >
      <p className="text-sm text-ink-2">{t("signIn.forgotHint")}</p>
      <TextField
        label={t("signIn.email")}
        type="email"
        autoComplete="username"
        autoFocus
        required
        maxLength={254}
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      {ask.isError && <ProblemNote error={ask.error} />}
      <div className="flex justify-end gap-2">
        {back}
        <Button type="submit" look="primary" disabled={ask.isPending}>
          {t("signIn.sendLink")}
        </Button>
      </div>
    </form>
  );
}
