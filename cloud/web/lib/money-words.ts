/**
 * Words of the books: accounts, flags of a price, reasons why something is held. What we have no word for is
 * shown as it is.
 */
import { useTranslations } from "use-intl";
import { ACCOUNT_KINDS, type AccountKind } from "./account-kinds.ts";
import { isReviewKind } from "./review.ts";
import { useCode } from "./words.ts";

const FLAGS = [
  ...["cheaper-band", "energy-only", "energy-unknown", "register-fell", "no-energy", "no-tariff"],
  ...["written-off", "waived", "merged", "refused"],
] as const;
export type PriceFlag =
  | "cheaper-band"
  | "energy-only"
  | "energy-unknown"
  | "register-fell"
  | "no-energy"
  | "no-tariff"
  | "written-off"
  | "waived"
  | "merged"
  | "refused";
const isFlag = (flag: string): flag is PriceFlag => (FLAGS as readonly string[]).includes(flag);

/** A flag of a price or a CDR; those of the transaction itself have their words elsewhere. */
export function usePriceFlag() {
  const t = useTranslations();
  const code = useCode();
  return (flag: string): { word: string; hint: string } =>
    isFlag(flag)
      ? { word: t(`money.flag.${flag}`), hint: t(`money.flagHint.${flag}`) }
      : { word: code("flag", flag) ?? flag, hint: code("flagHint", flag) ?? "" };
}

const HELD = ["entry-parked", "energy-unknown", "refused-with-energy", "changed-after-correction"] as const;
type Held = (typeof HELD)[number];
/** Decided in billing itself; everything else is decided in the work queue. */
export const isBillingReason = (reason: string): reason is Held => HELD.some((held) => held === reason);

export function useHeldReason() {
  const t = useTranslations();
  return (reason: string): { word: string; hint: string } => {
    if (isBillingReason(reason))
      return { word: t(`money.held.${reason}`), hint: t(`money.heldHint.${reason}`) };
    if (reason === "merged" || reason === "refused")
      return { word: t(`money.flag.${reason}`), hint: t(`money.flagHint.${reason}`) };
    return isReviewKind(reason)
      ? { word: t(`reviewKind.${reason}`), hint: t(`reviewHint.${reason}`) }
      : { word: reason, hint: "" };
  };
}

const PAYERS: readonly AccountKind[] = ["driver", "fleet", "token", "guest", "unassigned"];

/** `driver:3f0c…` in its parts; undefined: no account that we know of. */
export function accountParts(account: string): { kind: AccountKind; subject: string | null } | undefined {
  const colon = account.indexOf(":");
  const name = colon < 0 ? account : account.slice(0, colon);
  const kind = ACCOUNT_KINDS.find((known) => known === name);
  return kind === undefined ? undefined : { kind, subject: colon < 0 ? null : account.slice(colon + 1) };
}

/** Whoever may owe something, and has statements. */
export const isPayer = (account: string): boolean => {
  const kind = accountParts(account)?.kind;
  return kind !== undefined && PAYERS.includes(kind);
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-/;

export function useAccountName(): (account: string) => string {
  const t = useTranslations();
  return (account) => {
    const parts = accountParts(account);
    if (parts === undefined) return account;
    const { kind, subject } = parts;
    const name = t(`money.account.${kind}`);
    if (subject === null) return name;
    return `${name} ${UUID.test(subject) ? subject.slice(0, 8) : subject}`;
  };
}
