/** The operator's settings: who issues receipts, in which currency and by whose calendar? */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { OperatorPatch, OperatorView } from "../../api/money-schemas.ts";
import { Card, Skeleton } from "../components/card.tsx";
import { TextArea, TextField } from "../components/field.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote, ProblemPage } from "../components/problem.tsx";
import { call } from "../lib/client.ts";
import { useMay } from "../lib/me.ts";

const FIELDS = [
  ...(["name", "legalName", "taxId", "country", "address", "currency", "timeZone", "receiptFooter"] as const),
] as const;
type Field = (typeof FIELDS)[number];
type Draft = Record<Field, string>;
const NULLABLE: ReadonlySet<Field> = new Set(["legalName", "taxId", "address", "receiptFooter"]);

const draftOf = (operator: OperatorView): Draft =>
  Object.fromEntries(FIELDS.map((field) => [field, operator[field] ?? ""])) as Draft;

/** What was changed; what was emptied is taken away. Pure. */
function patchOf(draft: Draft, operator: OperatorView): OperatorPatch {
  const before = draftOf(operator);
  const changed = FIELDS.filter((field) => draft[field].trim() !== before[field]).map((field) => {
    const text = draft[field].trim();
    return [field, text === "" && NULLABLE.has(field) ? null : text] as const;
  });
  return Object.fromEntries(changed) as OperatorPatch;
}

export function OperatorPage() {
  const t = useTranslations();
  const query = useQuery({
    queryKey: ["operator"],
    queryFn: ({ signal }) => call("getOperator", { signal }) as Promise<OperatorView>,
  });
  if (query.isError && query.data === undefined)
    return <ProblemPage error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Skeleton className="h-96 w-full rounded-xl" />;
  const { legalName, taxId } = query.data;
  const complete = legalName !== null && taxId !== null;
  return (
    <>
      <PageHead title={query.data.name}>
        <p className="mt-1 max-w-prose text-ink-2">
          {t(complete ? "operator.complete" : "operator.incomplete")}
        </p>
      </PageHead>
      <Form operator={query.data} />
    </>
  );
}

function Form({ operator }: { operator: OperatorView }) {
  const t = useTranslations();
  const client = useQueryClient();
  const may = useMay();
  const [draft, setDraft] = useState(() => draftOf(operator));
  const patch = patchOf(draft, operator);
  const changed = Object.keys(patch).length > 0;
  const save = useMutation({
    mutationFn: () => call("updateOperator", { body: patch }) as Promise<OperatorView>,
    onSuccess: async (after) => {
      setDraft(draftOf(after));
      client.setQueryData(["operator"], after);
      await client.invalidateQueries({ queryKey: ["me"] });
    },
  });
  const field = (name: Field) => ({
    label: t(`operator.field.${name}`),
    value: draft[name],
    disabled: !may("operator:write"),
    onChange: (event: { target: { value: string } }) => {
      setDraft({ ...draft, [name]: event.target.value });
      save.reset();
    },
  });
  const zones = Intl.supportedValuesOf("timeZone");
  return (
    <form
      className="max-w-2xl"
      onSubmit={(event) => {
        event.preventDefault();
        if (changed && !save.isPending) save.mutate();
      }}
    >
      <Card className="space-y-4 px-4 py-4 sm:px-5">
        <TextField {...field("name")} required maxLength={120} />
        <div className="grid items-start gap-4 sm:grid-cols-2">
          <TextField {...field("legalName")} maxLength={160} hint={t("operator.legalNameHint")} />
          <TextField {...field("taxId")} maxLength={30} hint={t("operator.taxIdHint")} />
        </div>
        <TextArea {...field("address")} rows={3} maxLength={400} />
        <div className="grid items-start gap-4 sm:grid-cols-3">
          <TextField
            {...field("country")}
            required
            maxLength={2}
            pattern="[A-Z]{2}"
            hint={t("operator.countryHint")}
          />
          <TextField
            {...field("currency")}
            required
            maxLength={3}
            pattern="[A-Z]{3}"
            hint={t("operator.currencyHint")}
          />
          <TextField
            {...field("timeZone")}
            required
            maxLength={64}
            list="zones"
            hint={t("operator.timeZoneHint")}
          />
          <datalist id="zones">
            {zones.map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </div>
        <TextArea {...field("receiptFooter")} rows={3} maxLength={400} hint={t("operator.footerHint")} />
        <p className="text-sm text-ink-2">{t("operator.hint")}</p>
        {save.isError && <ProblemNote error={save.error} />}
        <div className="flex items-center justify-end gap-3">
          <span role="status" className="text-sm text-ink-2">
            {save.isSuccess && !changed && t("operator.saved")}
          </span>
          <MayButton
            needs="operator:write"
            type="submit"
            look="primary"
            disabled={!changed || save.isPending}
          >
            {t("operator.save")}
          </MayButton>
        </div>
      </Card>
    </form>
  );
}
