/**
 * What charging costs in the world: something that runs with time, so that running costs change, and by bands, so
 * that it matters when. And what one token was offered before it came: a version that no policy knows.
 */
import type { OfferedTariff, PolicyTariffs } from "../../shared/tariff.ts";

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

export const OFFERED_TOKEN = "TOKEN-D";
export const WORLD_OFFER: OfferedTariff = {
  ...{ tariffId: TARIFF_ID, version: 7 },
  terms: {
    currency: "BRL",
    elements: [{ perKwhMicro: 990_000, perChargingMinuteMicro: 50_000 }, { perIdleMinuteMicro: 900_000 }],
  },
};
