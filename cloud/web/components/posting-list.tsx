/** Postings with their entries: debit above zero, credit below, and the sum that must be zero. */
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { LedgerPostingView } from "../../api/money-schemas.ts";
import { newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { useMoney } from "../lib/money.ts";
import { AccountLink } from "./account-link.tsx";
import { AskDialog } from "./ask-dialog.tsx";
import { Card, Empty } from "./card.tsx";
import { TextArea } from "./field.tsx";
import { Icon } from "./icon.tsx";
import { MayButton } from "./may.tsx";
import { When } from "./time.tsx";

const POSTING_KINDS = [
  ...(["charge", "payment", "refund", "overpayment-refund", "chargeback", "provider-fee", "payout"] as const),
  ...(["write-off", "transfer", "tax-remittance", "rounding", "exchange"] as const),
  ...(["reversal", "manual"] as const),
  "free",
] as const;

/** What a posting is; a kind that we have no word for is shown as it is. */
export function usePostingKind(): (kind: string) => string {
  const t = useTranslations();
  return (kind) => {
    const known = POSTING_KINDS.find((one) => one === kind);
    return known === undefined ? kind : t(`money.posting.${known}`);
  };
}

type Props = { postings: readonly LedgerPostingView[]; empty: string };

export function PostingList({ postings, empty }: Props) {
  if (postings.length === 0) return <Empty title={empty} />;
  return (
    <Card className="overflow-hidden">
      <ul className="divide-y divide-line">
        {postings.map((posting) => (
          <PostingRow key={posting.postingId} posting={posting} />
        ))}
      </ul>
    </Card>
  );
}

/** The sum of each currency; all of them are zero, and that is shown. */
function sums(posting: LedgerPostingView): [string, number][] {
  const found = new Map<string, number>();
  for (const { currency, amountMinor } of posting.entries)
    found.set(currency, (found.get(currency) ?? 0) + amountMinor);
  return [...found];
}

export function PostingRow({ posting }: { posting: LedgerPostingView }) {
  const t = useTranslations();
  const money = useMoney();
  const kind = usePostingKind();
  const [reversing, setReversing] = useState(false);
  const byHand = posting.bookedBy !== null && posting.reverses === null;
  return (
    <li className="px-4 py-3 text-sm">
      <div className="flex flex-wrap items-baseline gap-x-3">
        <p className="font-medium">{kind(posting.kind)}</p>
        <p className="text-[0.8125rem] text-ink-3">
          <When at={posting.bookedAt} ago={false} />
          {posting.bookedBy !== null && ` · ${posting.bookedBy}`}
        </p>
        {byHand && (
          <MayButton
            needs="money:write"
            small
            look="ghost"
            className="ml-auto"
            onClick={() => setReversing(true)}
          >
            {t("money.reverse")}
          </MayButton>
        )}
      </div>
      {posting.note !== null && <p className="text-ink-2">{posting.note}</p>}
      <table className="mt-1.5 w-full max-w-2xl">
        <caption className="sr-only">{t("money.entries")}</caption>
        <thead className="text-[0.8125rem] text-ink-3">
          <tr>
            <th scope="col" className="text-left font-normal">
              {t("money.accountWord")}
            </th>
            <th scope="col" className="text-right font-normal">
              {t("money.debit")}
            </th>
            <th scope="col" className="text-right font-normal">
              {t("money.credit")}
            </th>
          </tr>
        </thead>
        <tbody>
          {posting.entries
            .toSorted((a, b) => b.amountMinor - a.amountMinor)
            .map(({ account, currency, amountMinor }) => (
              <tr key={`${account} ${currency}`} className="align-baseline">
                <td className="py-0.5 pr-3 text-ink-2">
                  <AccountLink account={account} />
                </td>
                <td className="w-28 py-0.5 text-right whitespace-nowrap">
                  {amountMinor > 0 ? money.amount(amountMinor, currency) : ""}
                </td>
                <td className="w-28 py-0.5 text-right whitespace-nowrap">
                  {amountMinor < 0 ? money.amount(-amountMinor, currency) : ""}
                </td>
              </tr>
            ))}
        </tbody>
      </table>
      <p className="mt-1 flex items-center gap-1.5 text-[0.8125rem] text-ink-3">
        {sums(posting).map(([currency, sum]) => (
          <span key={currency} className={`inline-flex items-center gap-1 ${sum === 0 ? "" : "text-red"}`}>
            <Icon name={sum === 0 ? "check" : "alert"} className="size-3.5" />
            {t("money.sum", { amount: money.amount(sum, currency) })}
          </span>
        ))}
        <code className="ml-auto truncate font-mono text-xs max-sm:hidden">{posting.reference}</code>
      </p>
      {reversing && <ReverseDialog posting={posting} onClose={() => setReversing(false)} />}
    </li>
  );
}

function ReverseDialog({ posting, onClose }: { posting: LedgerPostingView; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [note, setNote] = useState("");
  const [idempotencyKey] = useState(newId);
  return (
    <AskDialog
      title={t("money.reverseTitle")}
      action={t("money.reverse")}
      onClose={onClose}
      onAct={async () => {
        const path = { postingId: posting.postingId };
        await call("reverseLedgerPosting", { path, body: { note: note.trim() }, idempotencyKey });
        await client.invalidateQueries({ queryKey: ["ledger"] });
      }}
    >
      <p>{t("money.reverseAsk")}</p>
      <TextArea
        label={t("money.reason")}
        hint={t("money.reasonHint")}
        required
        maxLength={500}
        value={note}
        onChange={(event) => setNote(event.target.value)}
      />
    </AskDialog>
  );
}
