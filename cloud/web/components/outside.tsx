/** What pages for people who are not signed in stand in: the name of the product, a title, language and theme. */
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import { Mark } from "./icon.tsx";
import { useTitle } from "../lib/title.ts";
import { Choosers } from "./choosers.tsx";

export function Outside({ title, children }: { title: string; children: ReactNode }) {
  const t = useTranslations();
  useTitle(title);
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-sm flex-col justify-center px-4 py-10">
      <div className="mb-8 flex items-center gap-3">
        <Mark className="size-11" />
        <div>
          <p className="text-xl font-semibold tracking-tight">Moov.olt</p>
          <p className="text-sm text-ink-3">{t("signIn.claim")}</p>
        </div>
      </div>
      <h1 className="mb-4 text-lg font-semibold">{title}</h1>
      {children}
      <div className="mt-10 border-t border-line pt-5">
        <Choosers />
      </div>
    </main>
  );
}
