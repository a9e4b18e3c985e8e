/** Sign-in with an API key. The key is checked before it is kept. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Button } from "../components/button.tsx";
import { CopyLine } from "../components/copy.tsx";
import { TextField } from "../components/field.tsx";
import { Icon, Mark } from "../components/icon.tsx";
import { useTitle } from "../components/page-head.tsx";
import { Choosers } from "../components/preferences.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { api, ApiError } from "../lib/api.ts";
import { guide } from "../lib/guide.ts";
import { session, signIn } from "../lib/session.ts";
import { useValue } from "../lib/value.ts";

export function SignInPage() {
  const t = useTranslations();
  const { refused } = useValue(session);
  const [key, setKey] = useState("");
  const check = useMutation({
    mutationFn: (tried: string) => api.me(tried),
    onSuccess: (_, tried) => signIn(tried),
  });
  useTitle(t("signIn.title"));
  const turnedDown = check.error instanceof ApiError && check.error.status === 401;
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-sm flex-col justify-center px-4 py-10">
      <div className="mb-8 flex items-center gap-3">
        <Mark className="size-11" />
        <div>
          <p className="text-xl font-semibold tracking-tight">Moov.olt</p>
          <p className="text-sm text-ink-3">{t("signIn.claim")}</p>
        </div>
      </div>
      <h1 className="mb-4 text-lg font-semibold">{t("signIn.title")}</h1>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          const tried = key.trim();
          if (tried !== "" && !check.isPending) check.mutate(tried);
        }}
      >
        <TextField
          label={t("signIn.key")}
          hint={t("signIn.keyHint")}
          type="password"
          autoComplete="current-password"
          spellCheck={false}
          autoFocus
          required
          value={key}
          onChange={(event) => setKey(event.target.value)}
          className="font-mono"
        />
        {turnedDown || (refused && check.isIdle) ? (
          <Refused />
        ) : (
          check.isError && <ProblemNote error={check.error} />
        )}
        <Button type="submit" look="primary" className="w-full" disabled={check.isPending}>
          {check.isPending ? t("signIn.checking") : t("signIn.action")}
        </Button>
      </form>
      <details className="mt-6 text-sm text-ink-2">
        <summary className="w-fit rounded hover:text-ink">{t("signIn.noKey")}</summary>
        <p className="mt-2 mb-2">{t("signIn.noKeyHint")}</p>
        <CopyLine text={guide.createKey} />
      </details>
      <div className="mt-10 border-t border-line pt-5">
        <Choosers />
      </div>
    </main>
  );
}

function Refused() {
  const t = useTranslations();
  return (
    <div role="alert" className="flex gap-3 rounded-xl bg-red-soft px-4 py-3 text-sm">
      <Icon name="block" className="mt-0.5 size-4 text-red" />
      <div>
        <p className="font-medium text-red">{t("signIn.refused")}</p>
        <p>{t("signIn.refusedHint")}</p>
      </div>
    </div>
  );
}
