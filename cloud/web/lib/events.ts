/** What happened at stations besides charging: how each kind looks, and how much it should worry. Pure. */
import type { StationEvent } from "../../api/station-schemas.ts";
import type { IconName } from "../components/icon.tsx";
import type { Tone } from "./state.ts";

export const EVENT_KINDS = [
  ...(["security-event", "event", "charging-limit", "charging-needs"] as const),
  ...(["firmware-status", "publish-status", "log-status", "reservation"] as const),
];
export type EventKind = (typeof EVENT_KINDS)[number];

export const isEventKind = (text: string): text is EventKind =>
  (EVENT_KINDS as readonly string[]).includes(text);

const ICON: Record<EventKind, IconName> = {
  "security-event": "block",
  event: "bell",
  "charging-limit": "meter",
  "charging-needs": "plug",
  "firmware-status": "download",
  "publish-status": "download",
  "log-status": "list",
  reservation: "bookmark",
};

/** 0 danger … 9 debug (OCPP 2.x): up to 3 something is or will be out of order, 5 is a warning. */
const BROKEN = 3;
const WARNING = 5;
const FAILED = /fail|invalid|bad|denied|error/i;

/** Security events that the standard calls critical, without those of every ordinary day (a start, a new clock). */
const PRESSING = new Set([
  ...["FailedToAuthenticateAtCentralSystem", "CentralSystemFailedToAuthenticate", "SecurityLogWasCleared"],
  ...["MemoryExhaustion", "TamperDetectionActivated", "InvalidFirmwareSignature"],
  ...[
    "InvalidFirmwareSigningCertificate",
    "InvalidCentralSystemCertificate",
    "InvalidChargePointCertificate",
  ],
  ...["InvalidCsmsCertificate", "InvalidChargingStationCertificate", "FailedToAuthenticateAtCsms"],
  ...["CsmsFailedToAuthenticate", "InvalidTLSVersion", "InvalidTLSCipherSuite"],
]);

export function eventLook({ kind, type, severity, cleared }: StationEvent): { icon: IconName; tone: Tone } {
  const icon = isEventKind(kind) ? ICON[kind] : "question";
  if (cleared === true) return { icon: "check", tone: "quiet" };
  if (severity !== null) {
    const tone = severity <= BROKEN ? "red" : severity <= WARNING ? "amber" : "neutral";
    return { icon: tone === "neutral" ? icon : "alert", tone };
  }
  if (kind === "security-event") return { icon, tone: PRESSING.has(type) ? "red" : "neutral" };
  return { icon, tone: FAILED.test(type) ? "amber" : "neutral" };
}
