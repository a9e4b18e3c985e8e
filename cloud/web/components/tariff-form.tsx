/** The fields of a tariff: prices with the times at which they count, what counts for the whole, tax, validity. */
import { useTranslations } from "use-intl";
import { useMoney } from "../lib/money.ts";
import {
  newElement,
  PRICES,
  type ElementDraft,
  type TariffDraft,
  type TariffProblem,
  type TariffProblems,
} from "../lib/tariff.ts";
import { dayName } from "../lib/tariff-words.ts";
import { Button } from "./button.tsx";
import { CheckField, SelectField, TextField } from "./field.tsx";

const DAYS = [1, 2, 3, 4, 5, 6, 7] as const;
const ELEMENTS_MAX = 20;
const CURRENCIES = ["BRL", "USD", "EUR", "ARS", "CLP", "COP", "MXN", "PEN", "PYG", "UYU"];

export type FormProps = {
  draft: TariffDraft;
  set: (change: Partial<TariffDraft>) => void;
  /** Those that may be told by now. */
  problems: TariffProblems;
  /** Of a tariff that is known: its currency stays. */
  isNew: boolean;
};

/** The words of a problem at a place. */
function useProblem(problems: TariffProblems): (place: string) => string | undefined {
  const t = useTranslations();
  return (place) => {
    const problem: TariffProblem | undefined = problems.get(place);
    return problem === undefined ? undefined : t(`tariffs.problem.${problem}`);
  };
}

export function TariffFields(props: FormProps) {
  const t = useTranslations();
  const { draft, set, problems, isNew } = props;
  const problem = useProblem(problems);
  const currencies = CURRENCIES.includes(draft.currency) ? CURRENCIES : [draft.currency, ...CURRENCIES];
  const change = (at: number, next: Partial<ElementDraft>) =>
    set({
      elements: draft.elements.map((element, index) => (index === at ? { ...element, ...next } : element)),
    });
  const nextId = Math.max(...draft.elements.map(({ id }) => id)) + 1;
  return (
    <div className="space-y-5">
      <div className="grid gap-4 sm:grid-cols-[1fr_8rem]">
        <TextField
          label={t("tariffs.name")}
          maxLength={100}
          value={draft.name}
          error={problem("name")}
          onChange={(event) => set({ name: event.target.value })}
        />
        <SelectField
          label={t("common.currency")}
          value={draft.currency}
          disabled={!isNew}
          onChange={(event) => set({ currency: event.target.value })}
        >
          {currencies.map((currency) => (
            <option key={currency}>{currency}</option>
          ))}
        </SelectField>
      </div>
      <div className="space-y-3">
        <h2 className="font-semibold">{t("tariffs.prices")}</h2>
        {draft.elements.length > 1 && <p className="text-sm text-ink-2">{t("tariffs.elementsHint")}</p>}
        {draft.elements.map((element, at) => (
          <Element
            key={element.id}
            {...{ element, at }}
            count={draft.elements.length}
            currency={draft.currency}
            problem={problem}
            onChange={(next) => change(at, next)}
            onMove={(by) => set({ elements: moved(draft.elements, at, by) })}
            onRemove={() => set({ elements: draft.elements.filter((_, index) => index !== at) })}
          />
        ))}
        <Button
          small
          icon="plus"
          disabled={draft.elements.length >= ELEMENTS_MAX}
          onClick={() => set({ elements: [{ ...newElement(nextId), restricted: true }, ...draft.elements] })}
        >
          {t("tariffs.addElement")}
        </Button>
      </div>
      <Whole {...props} />
      <Tax {...props} />
      <Validity {...props} />
    </div>
  );
}

function moved(elements: readonly ElementDraft[], at: number, by: number): readonly ElementDraft[] {
  const next = [...elements];
  const [taken] = next.splice(at, 1);
  if (taken !== undefined) next.splice(at + by, 0, taken);
  return next;
}

type ElementProps = {
  element: ElementDraft;
  at: number;
  count: number;
  currency: string;
  problem: (place: string) => string | undefined;
  onChange: (next: Partial<ElementDraft>) => void;
  onMove: (by: -1 | 1) => void;
  onRemove: () => void;
};

function Element({ element, at, count, currency, problem, onChange, onMove, onRemove }: ElementProps) {
  const t = useTranslations();
  const several = count > 1;
  const name = t("tariffs.elementName", { place: String(at + 1) });
  const missing = problem(`elements/${at}`);
  return (
    <fieldset className="rounded-xl border border-line px-4 pt-2 pb-4">
      <legend className={several ? "px-1 text-sm font-medium" : "sr-only"}>{name}</legend>
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-4">
        {PRICES.map((price) => (
          <TextField
            key={price}
            label={t(`tariffs.price.${price}`)}
            inputMode="decimal"
            autoComplete="off"
            placeholder="—"
            value={element[price]}
            error={problem(`elements/${at}/${price}`)}
            onChange={(event) => onChange({ [price]: event.target.value })}
          />
        ))}
      </div>
      <p className={`mt-1.5 text-[0.8125rem] ${missing === undefined ? "text-ink-3" : "text-red"}`}>
        {missing ?? t("tariffs.pricesHint", { currency })}
      </p>
      <div className="mt-3">
        <CheckField
          label={t("tariffs.restricted")}
          checked={element.restricted}
          onChange={(restricted) => onChange({ restricted })}
        />
      </div>
      {element.restricted && <Restrictions element={element} onChange={onChange} />}
      {several && (
        <div className="mt-3 flex flex-wrap gap-2">
          <Button
            small
            look="ghost"
            disabled={at === 0}
            aria-label={`${t("tariffs.moveUp")}: ${name}`}
            onClick={() => onMove(-1)}
          >
            {t("tariffs.moveUp")}
          </Button>
          <Button
            small
            look="ghost"
            disabled={at === count - 1}
            aria-label={`${t("tariffs.moveDown")}: ${name}`}
            onClick={() => onMove(1)}
          >
            {t("tariffs.moveDown")}
          </Button>
          <Button
            small
            look="ghost"
            icon="x"
            className="ml-auto"
            aria-label={`${t("tariffs.removeElement")}: ${name}`}
            onClick={onRemove}
          >
            {t("tariffs.removeElement")}
          </Button>
        </div>
      )}
    </fieldset>
  );
}

function Restrictions({
  element: { days, from, to },
  onChange,
}: {
  element: ElementDraft;
  onChange: (next: Partial<ElementDraft>) => void;
}) {
  const t = useTranslations();
  const { locale } = useMoney();
  return (
    <div className="mt-2 space-y-3">
      <div role="group" aria-label={t("tariffs.days")} className="flex flex-wrap gap-1.5">
        {DAYS.map((day) => (
          <button
            key={day}
            type="button"
            aria-pressed={days.includes(day)}
            title={dayName(day, locale, "long")}
            onClick={() =>
              onChange({ days: days.includes(day) ? days.filter((one) => one !== day) : [...days, day] })
            }
            className="h-9 min-w-11 rounded-lg border border-line px-2 text-sm text-ink-2 hover:text-ink
              aria-pressed:border-accent aria-pressed:bg-accent-soft aria-pressed:font-medium
              aria-pressed:text-accent pointer-coarse:h-11"
          >
            {dayName(day, locale)}
          </button>
        ))}
      </div>
      <div className="grid max-w-sm grid-cols-2 gap-3">
        <TextField
          label={t("tariffs.from")}
          type="time"
          value={from}
          onChange={(event) => onChange({ from: event.target.value })}
        />
        <TextField
          label={t("tariffs.to")}
          type="time"
          value={to}
          onChange={(event) => onChange({ to: event.target.value })}
        />
      </div>
      <p className="text-[0.8125rem] text-ink-3">{t("tariffs.restrictionsHint")}</p>
    </div>
  );
}

/** What counts for the whole transaction. */
function Whole({ draft, set, problems }: FormProps) {
  const t = useTranslations();
  const problem = useProblem(problems);
  return (
    <fieldset>
      <legend className="mb-2 font-semibold">{t("tariffs.whole")}</legend>
      <div className="grid grid-cols-2 items-start gap-3 sm:grid-cols-4">
        {(["freeMinutes", "idleGraceMinutes", "minimum", "maximum"] as const).map((name) => (
          <TextField
            key={name}
            label={t(`tariffs.field.${name}`)}
            inputMode={name === "minimum" || name === "maximum" ? "decimal" : "numeric"}
            autoComplete="off"
            placeholder="—"
            value={draft[name]}
            error={problem(name)}
            onChange={(event) => set({ [name]: event.target.value })}
          />
        ))}
      </div>
      <p className="mt-1.5 text-[0.8125rem] text-ink-3">{t("tariffs.wholeHint")}</p>
    </fieldset>
  );
}

function Tax({ draft, set, problems }: FormProps) {
  const t = useTranslations();
  const problem = useProblem(problems);
  return (
    <fieldset className="space-y-3">
      <legend className="mb-2 font-semibold">{t("money.tax")}</legend>
      <CheckField label={t("tariffs.taxed")} checked={draft.taxed} onChange={(taxed) => set({ taxed })} />
      {draft.taxed && (
        <>
          <div className="grid max-w-sm grid-cols-2 items-start gap-3">
            <TextField
              label={t("tariffs.taxName")}
              maxLength={40}
              placeholder="ISS"
              value={draft.taxName}
              error={problem("taxName")}
              onChange={(event) => set({ taxName: event.target.value })}
            />
            <TextField
              label={t("tariffs.taxRate")}
              inputMode="decimal"
              value={draft.taxRate}
              error={problem("taxRate")}
              onChange={(event) => set({ taxRate: event.target.value })}
            />
          </div>
          <CheckField
            label={t("tariffs.taxIncluded")}
            hint={t("tariffs.taxIncludedHint")}
            checked={draft.taxIncluded}
            onChange={(taxIncluded) => set({ taxIncluded })}
          />
        </>
      )}
    </fieldset>
  );
}

function Validity({ draft, set, problems }: FormProps) {
  const t = useTranslations();
  const problem = useProblem(problems);
  return (
    <fieldset>
      <legend className="mb-2 font-semibold">{t("tariffs.validity")}</legend>
      <div className="grid max-w-lg items-start gap-3 sm:grid-cols-2">
        <TextField
          label={t("tariffs.validFrom")}
          type="datetime-local"
          value={draft.validFrom}
          error={problem("validFrom")}
          onChange={(event) => set({ validFrom: event.target.value })}
        />
        <TextField
          label={t("tariffs.validTo")}
          type="datetime-local"
          value={draft.validTo}
          error={problem("validTo")}
          onChange={(event) => set({ validTo: event.target.value })}
        />
      </div>
      <p className="mt-1.5 text-[0.8125rem] text-ink-3">{t("tariffs.validityHint")}</p>
    </fieldset>
  );
}
