/**
 * What happened and what to do, in two sentences; and the parts that guests touch: nothing is smaller than a
 * thumb.
 */
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { useTranslations } from "use-intl";
import { Icon, type IconName } from "../components/icon.tsx";

type Tone = "accent" | "amber" | "red" | "neutral";

const GROUND: Record<Tone, string> = {
  accent: "bg-accent-soft",
  amber: "bg-amber-soft",
  red: "bg-red-soft",
  neutral: "bg-raised",
};
const INK: Record<Tone, string> = {
  accent: "text-accent",
  amber: "text-amber",
  red: "text-red",
  neutral: "text-ink-2",
};

type NoteProps = {
  tone: Tone;
  icon: IconName;
  title: string;
  text?: string | undefined;
  children?: ReactNode;
};

export function Note({ tone, icon, title, text, children }: NoteProps) {
  return (
    <div role="status" className={`rounded-2xl p-4 ${GROUND[tone]}`}>
      <div className="flex gap-3">
        <Icon name={icon} className={`mt-0.5 size-5 ${INK[tone]}`} />
        <div className="min-w-0">
          <p className={`font-semibold ${INK[tone]}`}>{title}</p>
          {text !== undefined && <p className="mt-0.5">{text}</p>}
        </div>
      </div>
      {children}
    </div>
  );
}

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  look?: "primary" | "plain" | "ghost" | "danger";
  icon?: IconName;
};

const LOOK = {
  primary: "bg-accent text-on-accent",
  plain: "border border-line-strong bg-surface",
  ghost: "text-ink-2",
  danger: "bg-red text-on-red",
} as const;

/** As wide as the phone, and high enough for gloves. */
export function BigButton({ look = "primary", icon, children, className = "", ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={`flex min-h-13 w-full items-center justify-center gap-2 rounded-xl px-4 py-2 text-[1.0625rem]
        leading-tight font-semibold disabled:opacity-50 ${LOOK[look]} ${className}`}
      {...rest}
    >
      {icon !== undefined && <Icon name={icon} className="size-5" />}
      {children}
    </button>
  );
}

/** Where: site, station, connector. */
export function PlaceName({ site, station, evseId }: { site: string; station: string; evseId: number }) {
  const t = useTranslations();
  return (
    <div>
      <h1 className="text-2xl font-semibold tracking-tight break-words">{site}</h1>
      <p className="text-ink-2">
        {station} · {t("guest.connector", { evseId })}
      </p>
    </div>
  );
}
