/** Buttons: one primary per place, the rest quiet. 40 px high (44 on touch), never colour alone. */
import type { ButtonHTMLAttributes } from "react";
import { Icon, type IconName } from "./icon.tsx";

type Look = "primary" | "plain" | "ghost" | "danger";

const LOOK: Record<Look, string> = {
  primary: "bg-accent text-on-accent hover:opacity-90",
  plain: "border border-line bg-surface text-ink hover:border-line-strong hover:bg-raised",
  ghost: "text-ink-2 hover:bg-raised hover:text-ink",
  danger: "bg-red text-on-red hover:opacity-90",
};

type Props = ButtonHTMLAttributes<HTMLButtonElement> & { look?: Look; icon?: IconName; small?: boolean };

export function Button({
  look = "plain",
  icon,
  small = false,
  className = "",
  children,
  type = "button",
  ...rest
}: Props) {
  const size = small ? "h-8 px-2.5 text-sm pointer-coarse:h-11" : "h-10 px-3.5 pointer-coarse:h-11";
  return (
    <button
      type={type}
      className={`inline-flex items-center justify-center gap-1.5 rounded-lg font-medium whitespace-nowrap
        transition-colors
        disabled:pointer-events-none disabled:opacity-50 ${size} ${LOOK[look]} ${className}`}
      {...rest}
    >
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  );
}
