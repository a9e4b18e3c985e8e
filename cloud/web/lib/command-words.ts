/** Commands in words. */
import { useTranslations } from "use-intl";
import type { CommandView } from "../../api/schemas.ts";
import { useCode } from "./words.ts";

type Params = {
  idToken?: { idToken?: unknown };
  evseId?: unknown;
  type?: unknown;
  operationalStatus?: unknown;
  requestedMessage?: unknown;
  key?: unknown;
  action?: unknown;
  chargingProfile?: unknown;
};

type Schedule = { chargingRateUnit?: unknown; chargingSchedulePeriod?: { limit?: unknown }[] };

/** "16 A", of a profile that has the same limit all the time. */
export function flatLimit(profile: unknown): string | null {
  const { chargingSchedule } = (profile ?? {}) as { chargingSchedule?: Schedule[] | Schedule };
  const [schedule, second] = Array.isArray(chargingSchedule) ? chargingSchedule : [chargingSchedule];
  const periods = schedule?.chargingSchedulePeriod;
  if (second !== undefined || !Array.isArray(periods) || periods.length !== 1) return null;
  const limit = periods[0]?.limit;
  return typeof limit === "number" ? `${limit}\u00a0${String(schedule?.chargingRateUnit ?? "")}` : null;
}

/** What a command does, in one line. */
export function useCommandText(): (command: Pick<CommandView, "kind" | "params">) => string {
  const t = useTranslations();
  const code = useCode();
  return ({ kind, params }) => {
    const given = (params ?? {}) as Params;
    const evse = given.evseId === undefined ? "" : String(given.evseId);
    switch (kind) {
      case "RequestStartTransaction":
        return t("commandText.start", {
          token: String(given.idToken?.idToken ?? ""),
          evse: evse === "" ? "0" : evse,
        });
      case "RequestStopTransaction":
        return t("commandText.stop");
      case "Reset":
        return t("commandText.reset", { type: String(given.type ?? "") });
      case "TriggerMessage":
        return t("commandText.trigger", { message: String(given.requestedMessage ?? "") });
      case "ChangeAvailability":
        return t("commandText.availability", {
          status: String(given.operationalStatus ?? ""),
          evse: evse === "" ? "0" : evse,
        });
      case "UnlockConnector":
        return t("commandText.unlock", { evse });
      case "SetChargingProfile": {
        const limit = flatLimit(given.chargingProfile);
        return limit === null
          ? (code("intent", kind) ?? kind)
          : t("commandText.limit", { limit, evse: evse === "" ? "0" : evse });
      }
      case "Call":
        return String(given.action ?? kind);
      default:
        return code("intent", kind) ?? kind;
    }
  };
}
