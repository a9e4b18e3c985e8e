/** A request that failed: what happened and what to do. Words of ours for what we know; the cloud's for the rest. */
import { useTranslations } from "use-intl";
import type { GuestError } from "./client.ts";
import { BigButton, Note } from "./note.tsx";

const KNOWN = [
  ...["offline", "NOT_FOUND", "NOT_OFFERED", "TOO_MANY_REQUESTS", "INVALID_AMOUNT", "INVALID_TAX_ID"],
  ...["PROVIDER_UNREACHABLE", "PROVIDER_REFUSED", "PRICE_CHANGED"],
] as const;

export function Trouble({ error, onRetry }: { error: GuestError; onRetry?: () => void }) {
  const t = useTranslations();
  const code = (KNOWN as readonly string[]).includes(error.code) ? (error.code as "offline") : "other";
  return (
    <Note
      tone={code === "offline" ? "amber" : "red"}
      icon={code === "offline" ? "offline" : "alert"}
      title={t(`guest.trouble.${code}`)}
      text={t(`guest.troubleHint.${code}`)}
    >
      {onRetry !== undefined && (
        <BigButton look="plain" className="mt-3" onClick={onRetry}>
          {t("guest.retry")}
        </BigButton>
      )}
    </Note>
  );
}
