/** The station that a page and its tabs are about: fetched once by the page, there for all of its parts. */
import { createContext, useContext } from "react";
import type { Site, Station } from "../../api/schemas.ts";

export type ShownStation = {
  /** `online` is false also behind an ER that cannot be heard: then nobody knows. */
  station: Station;
  site: Site | undefined;
  timeZone: string | undefined;
};

export const StationContext = createContext<ShownStation | null>(null);

export function useStation(): ShownStation {
  const shown = useContext(StationContext);
  if (shown === null) throw new Error("a part of a station's page stands outside of it");
  return shown;
}
