/** A session that has not happened → its course, to be priced like any other. Pure. */
import type { Timeline } from "../../shared/decide/tariff.ts";

export type PlannedSession = {
  startedAt: number;
  timeZone: string;
  chargingMinutes: number;
  idleMinutes: number;
  /** Power from each minute on, in the order of time; before the first: none. */
  curve: readonly { minute: number; powerW: number }[];
  /** Taken evenly while it charges, instead of by the curve. */
  energyWh?: number;
};

const MINUTE_MS = 60_000;

export function plannedTimeline(session: PlannedSession): Timeline {
  const { startedAt, timeZone, chargingMinutes, idleMinutes, energyWh } = session;
  const chargedAt = startedAt + chargingMinutes * MINUTE_MS;
  const registers = [{ at: startedAt, wh: 0 }];
  if (energyWh === undefined) {
    let [minute, powerW, wattMinutes] = [0, 0, 0];
    for (const point of [...session.curve, { minute: chargingMinutes, powerW: 0 }]) {
      const until = Math.min(Math.max(point.minute, minute), chargingMinutes);
      wattMinutes += powerW * (until - minute);
      registers.push({ at: startedAt + until * MINUTE_MS, wh: Math.floor(wattMinutes / 60) });
      [minute, powerW] = [until, point.powerW];
    }
  } else registers.push({ at: chargedAt, wh: energyWh });
  return {
    ...{ timeZone, startedAt, endedAt: chargedAt + idleMinutes * MINUTE_MS, registers },
    states: idleMinutes > 0 ? [{ at: chargedAt, state: "idle" }] : [],
    timeQuality: "known",
  };
}
