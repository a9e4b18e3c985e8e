/**
 * Words for codes of the standard and of the cloud. A code that we have no words for is shown as it is:
 * stations say things that nobody listed.
 */
import { useTranslations } from "use-intl";
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
