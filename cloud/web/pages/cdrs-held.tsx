/** Held: which transactions wait for a person before they can be billed, why, and what to do. */
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { BillingItem, NewBillingDecision } from "../../api/money-schemas.ts";
import { AskDialog } from "../components/ask-dialog.tsx";
import { Empty } from "../components/card.tsx";
import { CdrTabs } from "../components/cdr-tabs.tsx";
import { FeedList } from "../components/feed-list.tsx";
import { Choices, TextArea, TextField } from "../components/field.tsx";
import { Icon } from "../components/icon.tsx";
import { LinkButton } from "../components/link-button.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { When } from "../components/time.tsx";
import { newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { useFeed } from "../lib/feed.ts";
import { isBillingReason, useHeldReason } from "../lib/price-words.ts";
import { readDecimal } from "../lib/money.ts";

const PAGE = 50;
const EVERY_MS = 30_000;

export function CdrsHeldPage() {
  const t = useTranslations();
  const feed = useFeed<BillingItem>({
    queryKey: ["cdrs", "held"],
    fetchPage: (cursor, signal) =>
      call("listBillingItems", { query: { status: "held", limit: PAGE, cursor }, signal }),
    idOf: ({ transactionId }) => transactionId,
    refetchInterval: EVERY_MS,
  });
  const count = feed.items.length;
  return (
    <>
      <PageHead title={t("money.cdrs.title")}>
        <p className="mt-1 max-w-prose text-ink-2">
          {feed.query.isSuccess
            ? t(feed.hasOlder ? "money.heldMany" : "money.heldCount", { count })
            : t("money.cdrs.intro")}
        </p>
      </PageHead>
      <CdrTabs />
      <FeedList
        feed={feed}
        empty={<Empty title={t("money.heldNone")}>{t("money.heldNoneHint")}</Empty>}
        row={(item) => <Row key={item.transactionId} item={item} />}
      />
    </>
  );
}

function Row({ item }: { item: BillingItem }) {
  const t = useTranslations();
  const words = useHeldReason();
  const [deciding, setDeciding] = useState(false);
  const { transactionId, reasons } = item;
  const here = reasons.length > 0 && reasons.every(isBillingReason);
  return (
    <li
      id={transactionId}
      className="flex flex-wrap items-start gap-x-4 gap-y-2 px-4 py-3 target:bg-accent-soft"
    >
      <div className="min-w-0 flex-1 basis-64">
        <ul className="space-y-1">
          {reasons.map((reason) => (
            <li key={reason} className="flex gap-2 text-sm">
              <Icon name="alert" className="mt-0.5 size-4 text-amber" />
              <span>
                <span className="font-medium">{words(reason).word}</span>{" "}
                <span className="text-ink-2">{words(reason).hint}</span>
              </span>
            </li>
          ))}
        </ul>
        <p className="mt-1 text-[0.8125rem] text-ink-3">
          <Link
            to="/transactions/$transactionId"
            params={{ transactionId }}
            className="rounded text-accent underline decoration-line-strong underline-offset-2"
          >
            {t("money.toTransaction")}
          </Link>{" "}
          · {item.siteId} · <When at={item.updatedAt} />
        </p>
      </div>
      {here ? (
        <MayButton needs="money:write" small onClick={() => setDeciding(true)}>
          {t("money.decideNow")}
        </MayButton>
      ) : (
        <LinkButton small to="/work/$reviewId" params={{ reviewId: `transaction:${transactionId}` }}>
          {t("money.toWork")}
        </LinkButton>
      )}
      {deciding && <DecideDialog item={item} onClose={() => setDeciding(false)} />}
    </li>
  );
}

type Word = NewBillingDecision["decision"];

/** What may be decided: what stands can be kept only where something does. */
const wordsFor = ({ cdrId }: BillingItem): Word[] =>
  cdrId === null ? ["bill", "waive"] : ["keep", "bill", "waive"];

function DecideDialog({ item, onClose }: { item: BillingItem; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const words = wordsFor(item);
  const [decision, setDecision] = useState<Word>(words[0] ?? "bill");
  const [energy, setEnergy] = useState("");
  const [note, setNote] = useState("");
  const [idempotencyKey] = useState(newId);
  const asksEnergy = decision === "bill" && item.reasons.includes("energy-unknown");
  const energyWh = readDecimal(energy, 3);
  return (
    <AskDialog
      title={t("money.decideTitle")}
      action={t(`money.decision.${decision}`)}
      danger={decision === "waive"}
      onClose={onClose}
      onAct={async () => {
        const body: NewBillingDecision = {
          ...{ decision, note: note.trim() },
          ...(asksEnergy && energyWh !== undefined ? { energyWh } : {}),
        };
        await call("decideBilling", { path: { transactionId: item.transactionId }, body, idempotencyKey });
        await client.invalidateQueries({ queryKey: ["cdrs"] });
        await client.invalidateQueries({ queryKey: ["transaction", item.transactionId] });
      }}
    >
      <Choices
        legend={t("money.decideWhat")}
        value={decision}
        onChange={setDecision}
        choices={words.map((value) => ({
          value,
          label: t(`money.decision.${value}`),
          hint: t(`money.decisionHint.${value}`),
        }))}
      />
      {asksEnergy && (
        <TextField
          label={t("money.energyToBill")}
          inputMode="decimal"
          required
          value={energy}
          error={energy !== "" && energyWh === undefined ? t("money.energyProblem") : undefined}
          onChange={(event) => setEnergy(event.target.value)}
        />
      )}
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
