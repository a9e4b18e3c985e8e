/** Everything that a station said and heard, frame by frame. */
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { MessageList } from "../components/message-list.tsx";
import { useStation } from "../components/station-context.tsx";

const route = getRouteApi("/stations/$stationId/timeline");

export function StationTimeline() {
  const { station, timeZone } = useStation();
  const filter = route.useSearch();
  const navigate = useNavigate();
  const { stationId } = station;
  return (
    <MessageList
      {...{ stationId, timeZone, filter }}
      onFilter={(search) =>
        void navigate({
          to: "/stations/$stationId/timeline",
          params: { stationId },
          search,
          replace: true,
          resetScroll: false,
        })
      }
    />
  );
}
