/** A state as a person reads it: icon, word and colour, the same everywhere. */
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import type { Tone } from "../lib/state.ts";
import { Icon, type IconName } from "./icon.tsx";

const BADGE: Record<Tone, string> = {
  accent: "bg-accent-soft text-accent",
  neutral: "bg-raised text-ink-2",
  quiet: "text-ink-3",
  amber: "bg-amber-soft text-amber",
  red: "bg-red-soft text-red",
};

export const TONE_TEXT: Record<Tone, string> = {
  accent: "text-accent",
  neutral: "text-ink-2",
  quiet: "text-ink-3",
  amber: "text-amber",
  red: "text-red",
};

type Props = {
  tone: Tone;
  icon: IconName;
  /** The last state that was known of something that cannot be heard now: greyed. */
  old?: boolean;
  children: ReactNode;
};

export function Badge({ tone: usual, icon, old = false, children }: Props) {
  const t = useTranslations();
  const tone = old ? "quiet" : usual;
  return (
    <span
      className={`inline-flex h-6 items-center gap-1 rounded-md text-[0.8125rem] font-medium whitespace-nowrap
        ${tone === "quiet" ? "" : "px-2"} ${BADGE[tone]}`}
    >
      <Icon name={icon} className="size-3.5" />
      {old && <span className="sr-only">{t("common.lastKnown")} </span>}
      {children}
    </span>
  );
}
