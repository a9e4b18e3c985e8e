/** Words for drivers where the operator's own would say too much, or nothing to them. */
import { useTranslations } from "use-intl";

const FLAGS = [
  ...["cheaper-band", "energy-only", "energy-unknown", "no-energy", "no-tariff", "waived", "written-off"],
] as const;
export type OwnFlag =
  | "cheaper-band"
  | "energy-only"
  | "energy-unknown"
  | "no-energy"
  | "no-tariff"
  | "waived"
  | "written-off";
const isFlag = (flag: string): flag is OwnFlag => (FLAGS as readonly string[]).includes(flag);

/** A flag of a price; null: it says nothing to who pays. */
export function useOwnFlag(): (flag: string) => string | null {
  const t = useTranslations();
  return (flag) => (isFlag(flag) ? t(`own.flag.${flag}`) : null);
}

const KINDS = [
  ...["charge", "reversal", "payment", "transfer", "refund", "overpayment-refund", "chargeback", "write-off"],
  "free",
] as const;
export type OwnLineKind =
  | "charge"
  | "reversal"
  | "payment"
  | "transfer"
  | "refund"
  | "overpayment-refund"
  | "chargeback"
  | "write-off"
  | "free";
const isKind = (kind: string): kind is OwnLineKind => (KINDS as readonly string[]).includes(kind);

/** What moved the account, as who pays sees it. */
export function useOwnLineKind(): (kind: string) => string {
  const t = useTranslations();
  return (kind) => (isKind(kind) ? t(`own.line.${kind}`) : t("own.line.other"));
}

const PAY_PROBLEMS = [
  ...(["NOTHING_OWED", "MORE_THAN_OWED", "NO_PROVIDER", "PAYMENT_OPEN"] as const),
  ...(["PROVIDER_UNREACHABLE", "PROVIDER_REFUSED", "ALREADY_PAID"] as const),
];

/** Why it cannot be paid so, as who pays is told; null: it is no matter of paying. */
export function useOwnPayProblem(): (code: string) => string | null {
  const t = useTranslations();
  return (code) => {
    const known = PAY_PROBLEMS.find((one) => one === code);
    return known === undefined ? null : t(`own.pay.problem.${known}`);
  };
}
