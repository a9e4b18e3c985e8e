/** Something that has to be read before one goes on. */
import type { ReactNode } from "react";
import { Icon, type IconName } from "./icon.tsx";

type NoteProps = { icon: IconName; tone?: "accent" | "red" | "amber"; title: string; children?: ReactNode };

const NOTE = {
  accent: ["bg-accent-soft", "text-accent"],
  amber: ["bg-amber-soft", "text-amber"],
  red: ["bg-red-soft", "text-red"],
} as const;

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
