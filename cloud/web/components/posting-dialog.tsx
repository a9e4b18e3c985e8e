/** Books by hand: an amount from one account to others. It is not sent before it sums to zero. */
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { LedgerEntryView, NewLedgerPosting } from "../../api/money-schemas.ts";
import { newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { accountParts } from "../lib/money-words.ts";
import { readMinor, useMoney } from "../lib/money.ts";
import { AskDialog } from "./ask-dialog.tsx";
import { Button } from "./button.tsx";
import { SelectField, TextArea, TextField } from "./field.tsx";
import { Icon } from "./icon.tsx";

const KINDS = [
  "transfer",
  "write-off",
  "payout",
  "provider-fee",
  "tax-remittance",
  "rounding",
  "manual",
] as const;
type Kind = (typeof KINDS)[number];
type Line = { id: number; account: string; debit: string; credit: string };

/** The two accounts that such a posting has most of the time: what is debited, what is credited. */
const USUAL: Record<Kind, [string, string]> = {
  transfer: ["bank", "driver:"],
  "write-off": ["write-off", "driver:"],
  payout: ["bank", "clearing:"],
  "provider-fee": ["fees", "clearing:"],
  "tax-remittance": ["tax", "bank"],
  rounding: ["rounding", "driver:"],
  manual: ["", ""],
};

const linesOf = (kind: Kind): Line[] =>
  USUAL[kind].map((account, id) => ({ id, account, debit: "", credit: "" }));

/** The entry of a line; undefined: it cannot be read. */
function entryOf({ account, debit, credit }: Line, currency: string): LedgerEntryView | undefined {
  const said = [debit, credit].filter((text) => text.trim() !== "");
  const amount = said.length === 1 ? readMinor(said[0] ?? "", currency) : undefined;
  if (amount === undefined || amount <= 0 || accountParts(account.trim()) === undefined) return undefined;
  return { account: account.trim(), currency, amountMinor: debit.trim() === "" ? -amount : amount };
}

export function PostingDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations();
  const money = useMoney();
  const client = useQueryClient();
  const [kind, setKind] = useState<Kind>("transfer");
  const [currency, setCurrency] = useState("BRL");
  const [lines, setLines] = useState(() => linesOf("transfer"));
  const [note, setNote] = useState("");
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const entries = lines.map((line) => entryOf(line, currency));
  const complete = entries.every((entry) => entry !== undefined);
  const sum = entries.reduce((total, entry) => total + (entry?.amountMinor ?? 0), 0);
  const change = (id: number, next: Partial<Line>) => {
    setLines(lines.map((line) => (line.id === id ? { ...line, ...next } : line)));
    setIdempotencyKey(newId());
  };
  return (
    <AskDialog
      title={t("money.post")}
      action={t("money.book")}
      danger={false}
      onClose={onClose}
      onAct={async () => {
        if (!complete) throw new Error(t("money.entriesProblem"));
        if (sum !== 0) throw new Error(t("money.sumProblem", { amount: money.amount(sum, currency) }));
        const body: NewLedgerPosting = { kind, note: note.trim(), entries: entries as LedgerEntryView[] };
        await call("createLedgerPosting", { body, idempotencyKey });
        await client.invalidateQueries({ queryKey: ["ledger"] });
      }}
    >
      <div className="grid grid-cols-[1fr_6rem] gap-3">
        <SelectField
          label={t("money.postingKind")}
          value={kind}
          onChange={(event) => {
            const next = KINDS.find((one) => one === event.target.value) ?? "manual";
            setKind(next);
            setLines(linesOf(next));
          }}
        >
          {KINDS.map((one) => (
            <option key={one} value={one}>
              {t(`money.posting.${one}`)}
            </option>
          ))}
        </SelectField>
        <TextField
          label={t("common.currency")}
          maxLength={3}
          value={currency}
          onChange={(event) => setCurrency(event.target.value.toUpperCase())}
        />
      </div>
      <fieldset className="space-y-2">
        <legend className="mb-1 text-sm font-medium">{t("money.entries")}</legend>
        {lines.map((line, at) => (
          <div key={line.id} className="grid grid-cols-[1fr_5.5rem_5.5rem] gap-2">
            <TextField
              label={`${t("money.accountWord")} ${at + 1}`}
              hideLabel={at > 0}
              autoComplete="off"
              spellCheck={false}
              maxLength={220}
              value={line.account}
              onChange={(event) => change(line.id, { account: event.target.value })}
              className="font-mono text-[0.8125rem]"
            />
            {(["debit", "credit"] as const).map((side) => (
              <TextField
                key={side}
                label={at === 0 ? t(`money.${side}`) : `${t(`money.${side}`)} ${at + 1}`}
                hideLabel={at > 0}
                inputMode="decimal"
                autoComplete="off"
                value={line[side]}
                onChange={(event) => change(line.id, { [side]: event.target.value })}
                className="text-right"
              />
            ))}
          </div>
        ))}
        <div className="flex items-center gap-3">
          <Button
            small
            icon="plus"
            onClick={() =>
              setLines([
                ...lines,
                { id: Math.max(...lines.map(({ id }) => id)) + 1, account: "", debit: "", credit: "" },
              ])
            }
          >
            {t("money.addEntry")}
          </Button>
          <p
            aria-live="polite"
            className={`ml-auto inline-flex items-center gap-1 text-sm ${sum === 0 ? "text-ink-3" : "text-amber"}`}
          >
            <Icon name={sum === 0 ? "check" : "alert"} className="size-4" />
            {t("money.sum", {
              amount: /^[A-Z]{3}$/.test(currency) ? money.amount(sum, currency) : String(sum),
            })}
          </p>
        </div>
        <p className="text-[0.8125rem] text-ink-3">{t("money.accountsHint")}</p>
      </fieldset>
      <TextArea
        label={t("money.note")}
        hint={t("money.reasonHint")}
        required
        maxLength={500}
        value={note}
        onChange={(event) => setNote(event.target.value)}
      />
    </AskDialog>
  );
}
