/** Reconciliation: what did asking the providers bring to light that their webhooks had not told? */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { PaymentFindingView } from "../../api/payment-schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Empty } from "../components/card.tsx";
import { FeedList } from "../components/feed-list.tsx";
import { PageHead } from "../components/page-head.tsx";
import { openFindingsQuery, PaymentTabs } from "../components/payment-tabs.tsx";
import { When } from "../components/time.tsx";
import { call } from "../lib/client.ts";
import { useFeed } from "../lib/feed.ts";
import { findingLook } from "../lib/payments.ts";

const PAGE = 50;
const EVERY_MS = 60_000;

export function PaymentFindingsPage() {
  const t = useTranslations();
  const open = useQuery(openFindingsQuery()).data?.items.length;
  const feed = useFeed<PaymentFindingView>({
    queryKey: ["payments", "findings", "all"],
    fetchPage: (cursor, signal) => call("listPaymentFindings", { query: { limit: PAGE, cursor }, signal }),
    idOf: ({ findingId }) => findingId,
    refetchInterval: EVERY_MS,
  });
  return (
    <>
      <PageHead title={t("payments.title")}>
        <p className="mt-1 max-w-prose text-ink-2">
          {open === undefined ? t("payments.intro") : t("payments.answer", { count: open })}
        </p>
      </PageHead>
      <PaymentTabs />
      <FeedList
        feed={feed}
        empty={<Empty title={t("payments.noFindings")}>{t("payments.noFindingsHint")}</Empty>}
        row={(finding) => (
          <li
            key={finding.findingId}
            className="relative flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5 hover:bg-raised"
          >
            <div className="min-w-0 flex-1 basis-64">
              <Link
                to="/payments/$paymentId"
                params={{ paymentId: finding.paymentId }}
                className="font-medium -outline-offset-2 after:absolute after:inset-0"
              >
                {t(`payments.finding.${finding.kind}`)}
              </Link>
              <p className="text-[0.8125rem] text-ink-2">{t(`payments.findingHint.${finding.kind}`)}</p>
              <p className="text-[0.8125rem] text-ink-3">
                <When at={finding.foundAt} /> · {finding.siteId}
              </p>
            </div>
            <Badge {...findingLook(finding)}>
              {t(finding.repaired ? "payments.repaired" : "payments.waits")}
            </Badge>
          </li>
        )}
      />
    </>
  );
}
