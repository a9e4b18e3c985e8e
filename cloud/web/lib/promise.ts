/** Reservations and charging profiles: how their states look, and which of them still stand. Pure. */
import type { ChargingProfile, Reservation } from "../../api/control-schemas.ts";
import type { IconName, Tone } from "./state.ts";

type Look = { icon: IconName; tone: Tone };

export const RESERVATION_LOOK: Record<Reservation["state"], Look> = {
  requested: { icon: "clock", tone: "neutral" },
  accepted: { icon: "bookmark", tone: "accent" },
  rejected: { icon: "x", tone: "amber" },
  failed: { icon: "alert", tone: "red" },
  used: { icon: "check", tone: "quiet" },
  cancelled: { icon: "x", tone: "quiet" },
  expired: { icon: "clock", tone: "quiet" },
  removed: { icon: "out", tone: "amber" },
};

/** There is still something to cancel. */
export const isOpen = (state: Reservation["state"]) => state === "requested" || state === "accepted";

export const PROFILE_LOOK: Record<ChargingProfile["state"], Look> = {
  wanted: { icon: "clock", tone: "neutral" },
  set: { icon: "check", tone: "accent" },
  rejected: { icon: "x", tone: "amber" },
  failed: { icon: "alert", tone: "red" },
  cleared: { icon: "out", tone: "quiet" },
  ended: { icon: "out", tone: "quiet" },
};

/** Until when a profile is good; null: it says nothing of that. */
export function profileEnd({ validTo }: Record<string, unknown>): string | null {
  return typeof validTo === "string" && !Number.isNaN(Date.parse(validTo)) ? validTo : null;
}
