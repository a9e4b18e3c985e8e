/** Where a person or a key may act, by names of sites: one or two by name, more as a count. */
import { useQuery } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import { sitesQuery } from "../lib/queries.ts";

const NAMES_MAX = 2;

export function ScopeWords({ siteIds }: { siteIds: readonly string[] | null }) {
  const t = useTranslations();
  const sites = useQuery({ ...sitesQuery(), enabled: siteIds !== null });
  if (siteIds === null) return <>{t("people.allSites")}</>;
  const names = siteIds.map(
    (siteId) => sites.data?.items.find((site) => site.siteId === siteId)?.name ?? siteId,
  );
  if (names.length > NAMES_MAX)
    return <span title={names.join(", ")}>{t("people.siteCount", { count: names.length })}</span>;
  return <>{names.join(", ")}</>;
}
