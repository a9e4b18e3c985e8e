/** What happened at this station besides charging. */
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { EventKindFilter, EventList, EVENTS_PAGE } from "../components/event-list.tsx";
import { useStation } from "../components/station-context.tsx";
import { stationApi } from "../lib/api.ts";

const route = getRouteApi("/stations/$stationId/events");

export function StationEvents() {
  const { station, timeZone } = useStation();
  const { stationId } = station;
  const { kind } = route.useSearch();
  const navigate = useNavigate();
  return (
    <>
      <div className="mb-4">
        <EventKindFilter
          value={kind}
          onChange={(next) =>
            void navigate({
              to: "/stations/$stationId/events",
              params: { stationId },
              search: { kind: next },
              replace: true,
              resetScroll: false,
            })
          }
        />
      </div>
      <EventList
        queryKey={["events", stationId, kind ?? ""]}
        fetchPage={(cursor, signal) =>
          stationApi.events(stationId, { kind, limit: EVENTS_PAGE, cursor }, signal)
        }
        filtered={kind !== undefined}
        timeZoneOf={() => timeZone}
      />
    </>
  );
}
