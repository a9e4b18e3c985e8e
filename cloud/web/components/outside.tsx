/** What pages for people who are not signed in stand in: the name of the product, a title, language and theme. */
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import { Icon, Mark, type IconName } from "./icon.tsx";
import { useTitle } from "./page-head.tsx";
import { Choosers } from "./preferences.tsx";

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

type NoteProps = { icon: IconName; tone?: "accent" | "red" | "amber"; title: string; children?: ReactNode };

const NOTE = {
  accent: ["bg-accent-soft", "text-accent"],
  amber: ["bg-amber-soft", "text-amber"],
  red: ["bg-red-soft", "text-red"],
} as const;

/** Something that has to be read before one goes on. */
export function Note({ icon, tone = "accent", title, children }: NoteProps) {
  const [ground, ink] = NOTE[tone];
  return (
    <div
      role={tone === "red" ? "alert" : "status"}
      className={`flex gap-3 rounded-xl px-4 py-3 text-sm ${ground}`}
    >
      <Icon name={icon} className={`mt-0.5 size-4 ${ink}`} />
      <div className="min-w-0">
        <p className={`font-medium ${ink}`}>{title}</p>
        {children}
      </div>
    </div>
  );
}
