/** The two parts of billing: what was billed, and what waits for a person. */
import { useTranslations } from "use-intl";
import { PageTabs } from "./page-tabs.tsx";

export function CdrTabs() {
  const t = useTranslations();
  return (
    <PageTabs
      label={t("money.cdrs.parts")}
      tabs={[
        { to: "/cdrs", name: t("money.cdrs.billed"), exact: true },
        { to: "/cdrs/held", name: t("money.cdrs.held") },
      ]}
    />
  );
}
