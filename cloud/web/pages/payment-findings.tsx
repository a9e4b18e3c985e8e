/** Reconciliation: what did asking the providers bring to light that their webhooks had not told? */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { PaymentFindingView } from "../../api/payment-schemas.ts";
import { AskDialog } from "../components/ask-dialog.tsx";
import { Badge } from "../components/badge.tsx";
import { Empty } from "../components/card.tsx";
import { FeedList } from "../components/feed-list.tsx";
import { TextArea } from "../components/field.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { openFindingsQuery, PaymentTabs } from "../components/payment-tabs.tsx";
import { When } from "../components/time.tsx";
import { newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { useFeed } from "../lib/feed.ts";
import { findingLook } from "../lib/payments.ts";

const PAGE = 50;
const EVERY_MS = 60_000;

const NOTE_MAX = 500;

export function PaymentFindingsPage() {
  const t = useTranslations();
  const [closing, setClosing] = useState<PaymentFindingView | null>(null);
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
                <When at={finding.foundAt} /> · {finding.siteId ?? t("payments.noSite")}
              </p>
            </div>
            <Badge {...findingLook(finding)}>
              {finding.resolvedBy !== null
                ? t("payments.resolved", { who: finding.resolvedBy })
                : t(finding.repaired ? "payments.repaired" : "payments.waits")}
            </Badge>
            {!finding.repaired && (
              <MayButton needs="payments:write" className="relative" onClick={() => setClosing(finding)}>
                {t("payments.resolve")}
              </MayButton>
            )}
          </li>
        )}
      />
      {closing !== null && <ResolveDialog finding={closing} onClose={() => setClosing(null)} />}
    </>
  );
}

function ResolveDialog({ finding, onClose }: { finding: PaymentFindingView; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [note, setNote] = useState("");
  const [idempotencyKey] = useState(newId);
  return (
    <AskDialog
      title={t("payments.resolveTitle")}
      action={t("payments.resolve")}
      danger={false}
      onClose={onClose}
      onAct={async () => {
        const path = { findingId: finding.findingId };
        await call("resolvePaymentFinding", { path, body: { note: note.trim() }, idempotencyKey });
        await client.invalidateQueries({ queryKey: ["payments"] });
      }}
    >
      <p className="text-ink-2">{t("payments.resolveAsk")}</p>
      <TextArea
        label={t("payments.resolveNote")}
        value={note}
        onChange={(event) => setNote(event.target.value)}
        maxLength={NOTE_MAX}
        required
      />
    </AskDialog>
  );
}
