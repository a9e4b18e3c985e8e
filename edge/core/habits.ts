/**
 * What is done differently for a station, by what it is (`shared/ocpp/quirks.ts`) and what the installer says.
 *
 * A call is still written strictly: it only asks for what this station is known to answer.
 */
import type { Call, Refusal } from "../../shared/ocpp/dialect.ts";
import type { Offset } from "../../shared/ocpp/notice.ts";
import { habitsOf } from "../../shared/ocpp/quirks.ts";
import { zoneOffset } from "../../shared/time.ts";
import type { Context } from "./context.ts";
import type { Connection, StationState } from "./types.ts";

type Fields = Record<string, unknown>;

/** Its calls wait for the BootNotification of this connection. */
export function waitsForBoot({ state }: Context, { stationId, booted }: Connection): boolean {
  return booted !== true && habitsOf(state.durable.stations.get(stationId)?.make).callsAfterBoot === true;
}

/** For a station that writes its own time without a zone. */
export function zoneOffsetOf({ state }: Context, stationId: string): Offset | undefined {
  const { identity, durable } = state;
  const told = identity.stationZones?.get(stationId);
  const local = habitsOf(durable.stations.get(stationId)?.make).localTime === true;
  const zone = told ?? (local ? identity.timeZone : undefined);
  return zone === undefined ? undefined : (localText) => zoneOffset(zone, localText);
}

/** A command's call in the form that this station is known to take, or why it cannot take it. */
export function adaptCall(context: Context, station: StationState, call: Call): Call | Refusal {
  const habits = habitsOf(station.make);
  switch (call.action) {
    case "SetChargingProfile":
      return adaptProfile(context, station, call, habits.maxProfileAsDefault === true);
    case "RemoteStartTransaction": {
      if (habits.startNeedsConnector !== true || call.payload["connectorId"] !== undefined) return call;
      return { ...call, payload: { ...call.payload, connectorId: freeConnector(station) } };
    }
    case "GetConfiguration": {
      // Named keys go in parts (`parts.ts`); all of them at once cannot be had.
      const most = habits.keysPerReadMax;
      const { key } = call.payload;
      if (most === undefined || (Array.isArray(key) && key.length > 0)) return call;
      return { refused: `this model answers for at most ${most} keys at a time: name those that you want` };
    }
    default:
      return call;
  }
}

function adaptProfile(context: Context, station: StationState, call: Call, maxAsDefault: boolean): Call {
  const name = station.protocol === "ocpp1.6" ? "csChargingProfiles" : "chargingProfile";
  const profile = call.payload[name] as Fields | undefined;
  if (profile === undefined) return call;
  const place = call.payload["connectorId"] ?? call.payload["evseId"];
  const withProfile = (more: Fields): Call => ({
    ...call,
    payload: { ...call.payload, [name]: { ...profile, ...more } },
  });
  if (maxAsDefault && profile["chargingProfilePurpose"] === "ChargePointMaxProfile")
    return withProfile({ chargingProfilePurpose: "TxDefaultProfile" });
  if (profile["chargingProfilePurpose"] !== "TxProfile" || profile["transactionId"] !== undefined)
    return call;
  const open = station.open
    .map((id) => context.state.durable.transactions.get(id))
    .filter((transaction) => transaction?.evseId === place);
  const [only] = open;
  if (only === undefined || open.length > 1) return call;
  const id = only.ocppTransactionId;
  return withProfile({ transactionId: station.protocol === "ocpp1.6" ? Number(id) : id });
}

/** One with a car first, then one that is free, then the first. */
function freeConnector({ connectors }: StationState): number {
  const known = [...connectors.values()].filter(({ evseId }) => evseId > 0);
  const waiting = known.find(({ detail }) => detail === "Preparing");
  const free = known.find(({ status }) => status === "Available");
  return (waiting ?? free)?.evseId ?? 1;
}
