/**
 * The question before a decision: what will become of it, in words, and why.
 *
 * One Idempotency-Key per opened question: pressing twice, or again after an error, decides once.
 */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { NewResolution, ReviewDetail, ReviewSuggestion } from "../../api/review-schemas.ts";
import { api, newId } from "../lib/api.ts";
import { useFormat } from "../lib/i18n.ts";
import { reviewQuery } from "../lib/queries.ts";
import { actionWord, isFinal, type ReviewAction } from "../lib/review.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { Choices, TextArea, TextField } from "./field.tsx";
import { ProblemNote } from "./problem.tsx";
import { useNow } from "./time.tsx";

const OTHER = "other";

type Props = {
  detail: ReviewDetail;
  action: ReviewAction;
  timeZone: string | undefined;
  onClose: () => void;
};

export function ReviewDialog({ detail, action, timeZone, onClose }: Props) {
  const t = useTranslations();
  const client = useQueryClient();
  const { review, suggestions } = detail;
  const [note, setNote] = useState("");
  const [into, setInto] = useState<string>(suggestions[0]?.transaction.transactionId ?? OTHER);
  const [other, setOther] = useState("");
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const resolve = useMutation({
    mutationFn: (body: NewResolution) => api.resolveReview(review.reviewId, body, idempotencyKey),
    onSuccess: (decided) => {
      client.setQueryData(reviewQuery(review.reviewId).queryKey, decided);
      const old = ["reviews", "review-summary", "transaction", "transactions", "ers"];
      for (const name of old) void client.invalidateQueries({ queryKey: [name] });
      // An entry that fails again stays where it is: the person hears of it here.
      if (decided.review.status === "resolved") onClose();
      else setIdempotencyKey(newId());
    },
    // What was refused is asked anew: the same key would give the same refusal.
    onError: () => {
      setIdempotencyKey(newId());
      void client.invalidateQueries({ queryKey: ["review", review.reviewId] });
    },
  });
  const word = actionWord(review, action);
  const target = into === OTHER ? other.trim() : into;
  const body: NewResolution = {
    action,
    ...(action === "merge" ? { intoTransactionId: target } : {}),
    ...(note.trim() === "" ? {} : { note: note.trim() }),
  };
  return (
    <Dialog title={t(`reviewAction.${word}`)} onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!resolve.isPending) resolve.mutate(body);
        }}
      >
        <p>{t(`reviewAsk.${word}`)}</p>
        {action === "merge" && (
          <Targets {...{ suggestions, timeZone, into, other }} onInto={setInto} onOther={setOther} />
        )}
        <TextArea
          label={t("review.note")}
          hint={t("review.noteHint")}
          maxLength={1_000}
          value={note}
          onChange={(event) => setNote(event.target.value)}
        />
        {resolve.isSuccess && (
          <p role="alert" className="rounded-lg bg-amber-soft px-3 py-2 text-sm text-amber">
            {t("review.stillFails")}
          </p>
        )}
        {resolve.isError && <ProblemNote error={resolve.error} />}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" look={isFinal(action) ? "danger" : "primary"} disabled={resolve.isPending}>
            {t(`reviewAction.${word}`)}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

type TargetsProps = {
  suggestions: readonly ReviewSuggestion[];
  timeZone: string | undefined;
  into: string;
  other: string;
  onInto: (transactionId: string) => void;
  onOther: (transactionId: string) => void;
};

/** The transactions that fit, and any other one by its id. */
function Targets({ suggestions, timeZone, into, other, onInto, onOther }: TargetsProps) {
  const t = useTranslations();
  const words = useSuggestionWords(timeZone);
  return (
    <>
      {suggestions.length > 0 && (
        <Choices
          legend={t("review.into")}
          value={into}
          onChange={onInto}
          choices={[
            ...suggestions.map((suggestion) => ({
              value: suggestion.transaction.transactionId,
              ...words(suggestion),
            })),
            { value: OTHER, label: t("review.other") },
          ]}
        />
      )}
      {into === OTHER && (
        <TextField
          label={t("review.otherId")}
          hint={t("review.otherHint")}
          required
          autoComplete="off"
          spellCheck={false}
          value={other}
          onChange={(event) => onOther(event.target.value)}
          className="font-mono"
        />
      )}
    </>
  );
}

/** A suggestion in two lines: which transaction, and why it fits. */
export function useSuggestionWords(
  timeZone: string | undefined,
): (suggestion: ReviewSuggestion) => { label: string; hint: string } {
  const t = useTranslations();
  const format = useFormat();
  const now = useNow(60_000);
  return ({ transaction, reason, energyWhAfter }) => {
    const { startedAt, evseId, idToken } = transaction;
    const label = [
      format.dayMinute(Date.parse(startedAt), now, timeZone),
      ...(evseId > 0 ? [t("common.evse", { evse: String(evseId) })] : []),
      idToken ?? t("transactions.noToken"),
      format.energy(transaction.energyWh),
    ].join(" · ");
    const after = energyWhAfter === null ? "" : t("review.after", { energy: format.energy(energyWhAfter) });
    return { label, hint: `${t(`suggestion.${reason}`)} ${after}`.trim() };
  };
}
