/** The parts of payments; and what reconciliation found that waits for a person, which is told before them all. */
import { queryOptions } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import { call } from "../lib/client.ts";
import { PageTabs } from "./page-tabs.tsx";

export const openFindingsQuery = () =>
  queryOptions({
    queryKey: ["payments", "findings", "open"],
    queryFn: ({ signal }) => call("listPaymentFindings", { query: { repaired: false, limit: 50 }, signal }),
  });

export function PaymentTabs() {
  const t = useTranslations();
  return (
    <PageTabs
      label={t("payments.parts")}
      tabs={[
        { to: "/payments", name: t("payments.list"), exact: true },
        { to: "/payments/findings", name: t("payments.findings") },
        { to: "/payments/providers", name: t("payments.providers") },
      ]}
    />
  );
}
