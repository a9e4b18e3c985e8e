/** The title of the window. */
import { useEffect } from "react";

/** Names the window after the page. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === "" ? "Moov.olt" : `${title} · Moov.olt`;
  }, [title]);
}
