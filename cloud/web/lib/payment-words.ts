/** Words of a guest's session; what we have no word for is shown as it is. */
import { useTranslations } from "use-intl";

const STATES = [
  ...(["awaiting-payment", "starting", "plug-in", "charging", "finishing", "settled", "released"] as const),
  "expired",
] as const;
const REASONS = [
  ...(["site-offline", "connector-taken", "start-expired", "start-refused", "start-failed"] as const),
  ...(["start-uncertain", "not-plugged-in", "late-start", "payment-expired", "amount-used"] as const),
  ...(["too-long", "nothing-charged", "held"] as const),
] as const;

export function useGuestState(): (state: string) => string {
  const t = useTranslations();
  return (state) => {
    const known = STATES.find((one) => one === state);
    return known === undefined ? state : t(`payments.guestState.${known}`);
  };
}

export function useGuestReason(): (reason: string) => string {
  const t = useTranslations();
  return (reason) => {
    const known = REASONS.find((one) => one === reason);
    return known === undefined ? reason : t(`payments.guestReason.${known}`);
  };
}
