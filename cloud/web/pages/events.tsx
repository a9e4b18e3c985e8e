/** Events of all stations: did anything happen that somebody should know of? */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import { EventKindFilter, EventList, EVENTS_PAGE } from "../components/event-list.tsx";
import { SelectField } from "../components/field.tsx";
import { PageHead } from "../components/page-head.tsx";
import { stationApi } from "../lib/api.ts";
import { sitesQuery } from "../lib/queries.ts";
import type { EventSearch } from "../router.tsx";

const route = getRouteApi("/events");

export function EventsPage() {
  const t = useTranslations();
  const filter = route.useSearch();
  const navigate = useNavigate();
  const sites = useQuery(sitesQuery()).data?.items ?? [];
  const zones = new Map(sites.map(({ siteId, timeZone }) => [siteId, timeZone]));
  const { kind, siteId } = filter;
  const apply = (change: EventSearch) =>
    void navigate({ to: "/events", search: { ...filter, ...change }, replace: true, resetScroll: false });
  return (
    <>
      <PageHead title={t("nav.events")}>
        <p className="mt-1 max-w-prose text-ink-2">{t("events.intro")}</p>
      </PageHead>
      <div className="mb-4 flex flex-wrap gap-2" role="search" aria-label={t("common.filters")}>
        <EventKindFilter value={kind} onChange={(next) => apply({ kind: next })} />
        {sites.length > 1 && (
          <div className="w-48 max-sm:w-full">
            <SelectField
              label={t("common.site")}
              hideLabel
              value={siteId ?? ""}
              onChange={(event) => apply({ siteId: event.target.value || undefined })}
            >
              <option value="">{t("common.allSites")}</option>
              {sites.map((site) => (
                <option key={site.siteId} value={site.siteId}>
                  {site.name}
                </option>
              ))}
            </SelectField>
          </div>
        )}
      </div>
      <EventList
        queryKey={["all-events", kind ?? "", siteId ?? ""]}
        fetchPage={(cursor, signal) =>
          stationApi.allEvents({ kind, siteId, limit: EVENTS_PAGE, cursor }, signal)
        }
        filtered={kind !== undefined || siteId !== undefined}
        withStation
        timeZoneOf={(event) => zones.get(event.siteId)}
      />
    </>
  );
}
