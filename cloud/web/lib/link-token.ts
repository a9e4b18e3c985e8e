/**
 * The secret of a link that came by mail or was handed over: it stands behind `#`, so that it reaches no
 * server's log, and is taken out of the address bar at once.
 */
let taken: string | undefined;

/** null: the address has none. */
export function takeLinkToken(): string | null {
  const found = new URLSearchParams(location.hash.slice(1)).get("token");
  if (found !== null && found !== "") {
    taken = found;
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return taken ?? null;
}
