/** The head of a page: where we are, what it is called, its state. Sets the title of the window, too. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import type { Site } from "../../api/schemas.ts";
import { useIsDriver } from "../lib/me.ts";
import { useTitle } from "../lib/title.ts";
import { Icon } from "./icon.tsx";

const BROWSER_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

type Props = {
  title: string;
  site?: Pick<Site, "siteId" | "name" | "erOnline" | "timeZone"> | undefined;
  /** The zone of the times on the page: named when it is not the browser's own. */
  timeZone?: string | undefined;
  badge?: ReactNode;
  children?: ReactNode;
};

export function PageHead({ title, site, timeZone = site?.timeZone, badge, children }: Props) {
  const t = useTranslations();
  const isDriver = useIsDriver() === true;
  useTitle(title);
  return (
    <div className="mb-6">
      <nav aria-label={t("nav.path")} className="mb-1 flex h-6 gap-1.5 text-[0.8125rem] text-ink-3">
        <Link to={isDriver ? "/my/charges" : "/"} className="rounded hover:text-ink hover:underline">
          {t(isDriver ? "nav.myCharges" : "nav.overview")}
        </Link>
        {site !== undefined && (
          <>
            <span aria-hidden="true">/</span>
            <Link
              to="/sites/$siteId"
              params={{ siteId: site.siteId }}
              className="truncate rounded hover:text-ink hover:underline"
            >
              {site.name}
            </Link>
            {!site.erOnline && (
              <span className="inline-flex items-center gap-1 whitespace-nowrap text-amber">
                <Icon name="offline" className="size-3.5" /> {t("nav.siteOffline")}
              </span>
            )}
          </>
        )}
        {timeZone !== undefined && timeZone !== BROWSER_ZONE && (
          <span className="ml-auto truncate">{t("time.zone", { zone: timeZone.replaceAll("_", " ") })}</span>
        )}
      </nav>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h1 className="min-w-0 text-2xl font-semibold tracking-tight break-words">{title}</h1>
        {badge}
      </div>
      {children}
    </div>
  );
}
