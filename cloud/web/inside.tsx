/**
 * Everything behind the sign-in: the router with its pages, and the stream of events that keeps them live. A part of
 * its own, which nobody outside has to fetch.
 */
import { useQueryClient } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect } from "react";
import { startLive } from "./lib/live.ts";
import { useIsDriver, useIsUnanswered } from "./lib/me.ts";
import { session } from "./lib/session.ts";
import { useValue } from "./lib/value.ts";
import { router } from "./router.tsx";

export { fetchAhead } from "./router.tsx";

export function Inside() {
  const client = useQueryClient();
  const { key, operatorId } = useValue(session);
  const isDriver = useIsDriver();
  // While the cloud is away nobody says who this is: the stream finds out when it is back.
  const unanswered = useIsUnanswered();
  // What happens at sites is not a driver's to hear; its pages look for themselves.
  const live = isDriver === false || (isDriver === null && unanswered);
  useEffect(() => {
    if (!live) return;
    return startLive(client);
  }, [client, key, operatorId, live]);
  return <RouterProvider router={router} />;
}
