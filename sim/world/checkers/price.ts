/**
 * Checker `price`: who was offered a price is shown that one, told with its terms in the journal, so that a new start
 * knows them; nobody else is. And what is told as a connector's state at the start of a transaction is the last that
 * it said, on that connection and since that boot.
 *
 * It reads committed entries only; that the running ER knows what they say is for `recovery`.
 */
import { isDeepStrictEqual } from "node:util";
import type { Entry, EntryOf } from "../../../shared/entry.ts";
import { readCall } from "../sockets.ts";
import { OFFERED_TOKEN, WORLD_OFFER, WORLD_TARIFFS } from "../tariffs.ts";
import { Violation } from "../trace.ts";

const fail = (saw: string): never => {
  throw new Violation("price", saw);
};

const HELD = WORLD_TARIFFS.versions.map(({ tariffId, version }) => ({ tariffId, version }));

function checkTariff(
  { seq, tariff, basis, decision, transactionId }: EntryOf<"ocpp.handled">,
  idToken: unknown,
) {
  const offered = idToken === OFFERED_TOKEN && basis === "sg" && decision?.status === "Accepted";
  const what = `entry ${seq} shows ${transactionId} by ${JSON.stringify(tariff)}`;
  if (offered && tariff !== undefined && !isDeepStrictEqual(tariff, WORLD_OFFER))
    fail(`${what}, not as offered`);
  if (!offered && tariff !== undefined && !HELD.some((held) => isDeepStrictEqual(tariff, held)))
    fail(`${what}, which holds for nobody`);
  return offered;
}

export function createPriceChecker() {
  /** By station, then by connector. */
  const said = new Map<string, Map<unknown, unknown>>();

  function onHandled(entry: EntryOf<"ocpp.handled">): void {
    const { seq, stationId, action, basis, stateAtStart } = entry;
    const payload = readCall(entry.request)?.payload ?? {};
    const connectors = said.get(stationId) ?? new Map<unknown, unknown>();
    said.set(stationId, connectors);
    if (action === "BootNotification") connectors.clear();
    if (action === "StatusNotification") connectors.set(payload["connectorId"], payload["status"]);
    if (action !== "StartTransaction" && action !== "TransactionEvent") return;
    const last = connectors.get(payload["connectorId"]);
    if (stateAtStart !== undefined && stateAtStart !== last)
      fail(`entry ${seq} begins in ${stateAtStart}, the connector said ${String(last)}`);
    if (basis === "repeat") return;
    const idToken =
      payload["idTag"] ?? (payload["idToken"] as Record<string, unknown> | undefined)?.["idToken"];
    const offered = checkTariff(entry, idToken);
    if (action === "StartTransaction" && offered && entry.tariff === undefined)
      fail(`entry ${seq} begins without the price that was offered`);
  }

  return {
    onEntry(entry: Entry): void {
      if (entry.kind === "station.online") said.delete(entry.stationId);
      if (entry.kind === "ocpp.handled") onHandled(entry);
    },
  };
}
