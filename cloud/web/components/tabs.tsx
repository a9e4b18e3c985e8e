/** The parts of a page as addresses: one line that scrolls on a phone, the one on screen marked. */
import { useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, type ReactNode } from "react";

export function Tabs({ label, children }: { label: string; children: ReactNode }) {
  const ref = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  useEffect(() => {
    const strip = ref.current;
    const tab = strip?.querySelector<HTMLElement>("[aria-current=page]");
    if (strip === null || !tab) return;
    // The strip alone: the page stays where it is.
    strip.scrollLeft = tab.offsetLeft - (strip.clientWidth - tab.offsetWidth) / 2;
  }, [path]);
  return (
    <nav
      ref={ref}
      aria-label={label}
      className="relative -mx-4 mb-6 overflow-x-auto border-b border-line px-4 [scrollbar-width:none] sm:mx-0 sm:px-0"
    >
      <ul className="flex gap-1">{children}</ul>
    </nav>
  );
}

/** For the link of a tab. */
export const TAB = `flex h-10 items-center gap-1.5 rounded-t-lg border-b-2 border-transparent px-2.5 whitespace-nowrap
  text-ink-2 -outline-offset-2 hover:text-ink aria-[current=page]:border-accent aria-[current=page]:font-medium
  aria-[current=page]:text-ink pointer-coarse:h-11`;
