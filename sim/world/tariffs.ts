/**
 * What charging costs in the world: something that runs with time, so that running costs change, and by bands, so
 * that it matters when.
 */
import type { PolicyTariffs } from "../../shared/tariff.ts";

const TARIFF_ID = "00000000-0000-7000-8000-000000000002";

export const WORLD_TARIFFS: PolicyTariffs = {
  versions: [
    {
      ...{ tariffId: TARIFF_ID, version: 1, validFrom: 0 },
      terms: {
        currency: "BRL",
        elements: [
          { perKwhMicro: 3_000_000, restrictions: { from: "17:00", to: "21:30" } },
          { startFeeMicro: 1_000_000, perKwhMicro: 1_890_000, perChargingMinuteMicro: 150_000 },
          { perIdleMinuteMicro: 500_000 },
        ],
        idleGraceMinutes: 1,
        tax: { name: "ISS", rateBp: 500, included: true },
      },
    },
  ],
  assignments: [{ tariffId: TARIFF_ID, from: 0 }],
};
