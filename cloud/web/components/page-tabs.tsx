/** The parts of a place with several pages, as links: the one on screen is marked. */
import { Link, type LinkProps } from "@tanstack/react-router";
import { TAB, Tabs } from "./tabs.tsx";

export type PageTab = { to: NonNullable<LinkProps["to"]>; name: string; exact?: boolean };

export function PageTabs({ label, tabs }: { label: string; tabs: readonly PageTab[] }) {
  return (
    <Tabs label={label}>
      {tabs.map(({ to, name, exact = false }) => (
        <li key={to}>
          <Link to={to} activeOptions={{ exact, includeSearch: false }} className={TAB}>
            {name}
          </Link>
        </li>
      ))}
    </Tabs>
  );
}
