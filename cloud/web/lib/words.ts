/**
 * Words for codes of the standard and of the cloud. A code that we have no words for is shown as it is:
 * stations say things that nobody listed.
 */
import { useTranslations } from "use-intl";
import { readFlag } from "../../../shared/ocpp/tolerance.ts";
import type { CommandView } from "../../api/schemas.ts";
import type { Messages } from "./i18n.ts";

type Family =
  | "problemTitle"
  | "problemHint"
  | "connectorDetail"
  | "errorCode"
  | "stoppedReason"
  | "flag"
  | "flagHint"
  | "authorizedBy"
  | "authorizedByHint"
  | "authorizationReason"
  | "revokedReason"
  | "previousEnd"
  | "clock"
  | "tokenStatus"
  | "intent"
  | "intentHint"
  | "fieldName"
  | "reportKind"
  | "localListResult"
  | "tolerance"
  | "toleranceHint"
  | "permission"
  | "role"
  | "roleHint"
  | "auditAction";
type KeyOf<F extends Family> = `${F}.${Extract<keyof Messages[F], string>}`;

/** Looks a code up in a family of messages; null when the family does not know it. */
export function useCode(): (family: Family, code: string) => string | null {
  const t = useTranslations();
  return (family, code) => {
    // A dot in a code would be read as a path.
    const key = `${family}.${code}` as KeyOf<Family>;
    return /^[\w-]+$/.test(code) && t.has(key) ? t(key) : null;
  };
}

/** What the audit says was done, in words; of another release as it stands. */
export function useAuditAction(): (action: string) => string {
  const t = useTranslations();
  const code = useCode();
  return (action) => {
    const [, kind] = /^command\.(.+)$/.exec(action) ?? [];
    if (kind !== undefined) return t("auditAction.command", { command: code("intent", kind) ?? kind });
    return code("auditAction", action.replaceAll(".", "-")) ?? action;
  };
}

/** A flag of a message in words; one that we have none for is shown as it is. */
export function useFlag(): (flag: string) => { word: string; hint: string } {
  const code = useCode();
  return (flag) => {
    const tolerated = readFlag(flag);
    const word = tolerated === undefined ? code("flag", flag) : code("tolerance", tolerated.id);
    const hint = tolerated === undefined ? code("flagHint", flag) : code("toleranceHint", tolerated.id);
    const detail = tolerated?.detail === undefined ? "" : ` (${tolerated.detail})`;
    return { word: `${word ?? flag}${detail}`, hint: hint ?? flag };
  };
}

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
