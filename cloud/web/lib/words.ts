/**
 * Words for codes of the standard and of the cloud. A code that we have no words for is shown as it is:
 * stations say things that nobody listed.
 */
import { useTranslations } from "use-intl";
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
  | "tokenStatus";
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

type Params = {
  idToken?: { idToken?: unknown };
  evseId?: unknown;
  type?: unknown;
  operationalStatus?: unknown;
  requestedMessage?: unknown;
  key?: unknown;
};

/** What a command does, in one line. */
export function useCommandText(): (command: Pick<CommandView, "kind" | "params">) => string {
  const t = useTranslations();
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
      default:
        return kind;
    }
  };
}
