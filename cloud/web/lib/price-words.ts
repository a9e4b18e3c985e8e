/**
 * Words of prices and CDRs: their flags, and why one is held. What we have no word for is shown as it is.
 */
import { useTranslations } from "use-intl";
import { isReviewKind } from "./review.ts";
import { useCode } from "./words.ts";

const FLAGS = [
  ...["cheaper-band", "energy-only", "energy-unknown", "register-fell", "no-energy", "no-tariff"],
  ...["written-off", "waived", "merged", "refused", "site-price", "site-price-unknown"],
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
  | "refused"
  | "site-price"
  | "site-price-unknown";
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

const HELD = [
  "entry-parked",
  "energy-unknown",
  "refused-with-energy",
  "changed-after-correction",
  "payer-gone",
] as const;
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
