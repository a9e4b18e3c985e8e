/** What an EVSE looks like from outside, for whoever watches the station. */
import type { Evse } from "./evse.ts";
import type { EvseReport } from "./types.ts";

export function reportOf(evse: Evse): EvseReport {
  const { meterWh, powerW, socPercent } = evse.outlet.measure();
  const { tx, reservedFor } = evse;
  return {
    evseId: evse.id,
    connectors: evse.connectorIds.map((connectorId) => ({ connectorId, state: evse.stateOf(connectorId) })),
    plugged: evse.plugged,
    powerW: Math.round(powerW),
    meterWh: Math.floor(meterWh),
    ...(socPercent === undefined ? {} : { socPercent }),
    ...(reservedFor === undefined ? {} : { reservedFor }),
    ...(tx === undefined
      ? {}
      : {
          transaction: {
            id: tx.id,
            ...(tx.numberOfCsms === undefined ? {} : { numberOfCsms: tx.numberOfCsms }),
            connectorId: tx.connectorId,
            idToken: tx.idToken.idToken,
            energyWh: Math.floor(meterWh) - tx.meterStartWh,
            chargingState: tx.chargingState,
          },
        }),
  };
}
