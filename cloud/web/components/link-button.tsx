/** A link that looks like a button: it leads to an address, and opens in a new tab like any other. */
import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes } from "react";
import { Icon, type IconName } from "./icon.tsx";

const LOOK = {
  primary: "bg-accent text-on-accent hover:opacity-90",
  plain: "border border-line bg-surface text-ink hover:border-line-strong hover:bg-raised",
};

type Props = AnchorHTMLAttributes<HTMLAnchorElement> & {
  look?: keyof typeof LOOK;
  icon?: IconName;
  small?: boolean;
};

function Anchor({ look = "plain", icon, small = false, className = "", children, ...rest }: Props) {
  const size = small ? "h-8 px-2.5 text-sm pointer-coarse:h-11" : "h-10 px-3.5 pointer-coarse:h-11";
  return (
    <a
      className={`inline-flex items-center justify-center gap-1.5 rounded-lg font-medium whitespace-nowrap
        transition-colors ${size} ${LOOK[look]} ${className}`}
      {...rest}
    >
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </a>
  );
}

export const LinkButton = createLink(Anchor);
