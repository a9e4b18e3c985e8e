/** The sign-in page: a person, or, folded away, an API key. A key is checked before it is kept. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Button } from "../components/button.tsx";
import { CopyLine } from "../components/copy.tsx";
import { TextField } from "../components/field.tsx";
import { Note } from "../components/note.tsx";
import { Outside } from "../components/outside.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { SignInForm } from "../components/sign-in-form.tsx";
import { api, ApiError } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { guide } from "../lib/guide.ts";
import { keepKey, session, settleSession } from "../lib/session.ts";
import { useValue } from "../lib/value.ts";

/** Where the page was asked for by its own address, the overview is next; else the page that was wanted. */
function enter(how: () => void): void {
  how();
  if (location.pathname === "/sign-in") location.replace("/");
}

export function SignInPage() {
  const t = useTranslations();
  const { ended } = useValue(session);
  const ssoError = new URLSearchParams(location.search).get("error");
  const setup = useQuery({ queryKey: ["setup"], queryFn: ({ signal }) => call("getSetup", { signal }) });
  return (
    <Outside title={t("signIn.title")}>
      <div className="space-y-4">
        {setup.data?.ownerNeeded === true && (
          <Note icon="plus" title={t("signIn.fresh")}>
            {t("signIn.freshHint")}{" "}
            <a href="/setup" className="text-accent underline">
              {t("signIn.toSetup")}
            </a>
          </Note>
        )}
        {ended === "session" && (
          <Note icon="clock" tone="amber" title={t("signIn.ended")}>
            {t("signIn.endedHint")}
          </Note>
        )}
        {ssoError !== null && (
          <Note icon="block" tone="red" title={t("signIn.ssoFailed")}>
            {t("signIn.ssoFailedHint")} <code className="font-mono text-xs">{ssoError.slice(0, 60)}</code>
          </Note>
        )}
        <SignInForm onDone={() => enter(() => settleSession(true))} />
        <details open={ended === "key"} className="border-t border-line pt-4 text-sm">
          <summary className="w-fit rounded text-ink-2 hover:text-ink pointer-coarse:py-2.5">
            {t("signIn.withKey")}
          </summary>
          <KeyForm refused={ended === "key"} />
        </details>
      </div>
    </Outside>
  );
}

function KeyForm({ refused }: { refused: boolean }) {
  const t = useTranslations();
  const [key, setKey] = useState("");
  const check = useMutation({
    mutationFn: (tried: string) => api.me(tried),
    onSuccess: (_, tried) => enter(() => keepKey(tried)),
  });
  const turnedDown = check.error instanceof ApiError && check.error.status === 401;
  return (
    <form
      className="mt-3 space-y-4"
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
        autoComplete="off"
        spellCheck={false}
        required
        value={key}
        onChange={(event) => setKey(event.target.value)}
        className="font-mono"
      />
      {turnedDown || (refused && check.isIdle) ? (
        <Note icon="block" tone="red" title={t("signIn.refused")}>
          {t("signIn.refusedHint")}
        </Note>
      ) : (
        check.isError && <ProblemNote error={check.error} />
      )}
      <Button type="submit" className="w-full" disabled={check.isPending}>
        {check.isPending ? t("signIn.checking") : t("signIn.keyAction")}
      </Button>
      <p className="text-ink-2">{t("signIn.noKeyHint")}</p>
      <CopyLine text={guide.createKey} />
    </form>
  );
}
