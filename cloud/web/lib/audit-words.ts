/** What the audit says was done, in words; of another release as it stands. */
import { useTranslations } from "use-intl";
import { useCode } from "./words.ts";

export function useAuditAction(): (action: string) => string {
  const t = useTranslations();
  const code = useCode();
  return (action) => {
    const [, kind] = /^command\.(.+)$/.exec(action) ?? [];
    if (kind !== undefined) return t("auditAction.command", { command: code("intent", kind) ?? kind });
    return code("auditAction", action.replaceAll(".", "-")) ?? action;
  };
}
