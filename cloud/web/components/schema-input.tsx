/** The inputs of a schema's form, one for each kind of value. They show what the value is and say what it becomes. */
import { useState } from "react";
import { useTranslations } from "use-intl";
import { instantOf, localInstant, type Shape } from "../lib/schema-form.ts";
import type { InputProps, Suggestion } from "./schema-form.tsx";

const BOX = `w-full min-w-0 rounded-lg border border-line-strong bg-surface px-3 text-ink
  aria-invalid:border-red`;
const LINE = `${BOX} h-10 pointer-coarse:h-11`;
const LINES = `${BOX} block py-2 font-mono text-[0.8125rem]`;

export function ChoiceInput({ value, onChange, words, ...rest }: InputProps & { words: readonly string[] }) {
  const t = useTranslations();
  const known = typeof value === "string" && words.includes(value);
  return (
    <select
      {...rest}
      className={LINE}
      value={known ? value : ""}
      onChange={(event) => onChange(event.target.value)}
    >
      {!known && <option value="">{t("form.choose")}</option>}
      {words.map((word) => (
        <option key={word}>{word}</option>
      ))}
    </select>
  );
}

type Known = { suggestions: readonly Suggestion[] };

function Suggestions({ id, suggestions }: Known & { id: string }) {
  return (
    <datalist id={id}>
      {suggestions.map(({ value, label }) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </datalist>
  );
}

type NumberProps = InputProps & Known & { shape: Extract<Shape, { kind: "number" }> };

/** What is being written ("1.") stays until it means another number than the value. Empty is `null`. */
export function NumberInput({ value, onChange, shape, suggestions, ...rest }: NumberProps) {
  const [text, setText] = useState("");
  const parsed = text.trim() === "" ? null : Number(text);
  const shown = parsed === (value ?? null) ? text : typeof value === "number" ? String(value) : "";
  const list = suggestions.length > 0 ? `${rest.id}-known` : undefined;
  return (
    <>
      <input
        {...rest}
        className={LINE}
        type="number"
        inputMode={shape.integer ? "numeric" : "decimal"}
        step={shape.step}
        min={shape.minimum}
        max={shape.maximum}
        list={list}
        value={shown}
        onChange={(event) => {
          setText(event.target.value);
          onChange(event.target.value === "" ? null : Number(event.target.value));
        }}
      />
      {list !== undefined && <Suggestions id={list} suggestions={suggestions} />}
    </>
  );
}

export function YesNoInput({ value, onChange, ...rest }: InputProps) {
  const t = useTranslations();
  return (
    <select
      {...rest}
      className={LINE}
      value={typeof value === "boolean" ? String(value) : ""}
      onChange={(event) => onChange(event.target.value === "true")}
    >
      {typeof value !== "boolean" && <option value="">{t("form.choose")}</option>}
      <option value="true">{t("form.yes")}</option>
      <option value="false">{t("form.no")}</option>
    </select>
  );
}

type TextProps = InputProps & Known & { shape: Extract<Shape, { kind: "text" }> };

export function TextInput({ value, onChange, shape, suggestions, ...rest }: TextProps) {
  const text = typeof value === "string" ? value : "";
  if (shape.look === "instant")
    return (
      <input
        {...rest}
        className={LINE}
        type="datetime-local"
        step={1}
        value={localInstant(text)}
        onChange={(event) => onChange(instantOf(event.target.value))}
      />
    );
  if (shape.look === "lines")
    return (
      <textarea
        {...rest}
        className={LINES}
        rows={3}
        spellCheck={false}
        value={text}
        onChange={(event) => onChange(event.target.value)}
      />
    );
  const list = suggestions.length > 0 ? `${rest.id}-known` : undefined;
  return (
    <>
      <input
        {...rest}
        className={LINE}
        autoComplete="off"
        spellCheck={false}
        list={list}
        value={text}
        onChange={(event) => onChange(event.target.value)}
      />
      {list !== undefined && <Suggestions id={list} suggestions={suggestions} />}
    </>
  );
}

/** What a text means as JSON; undefined: nothing, it is not JSON. */
function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

type JsonProps = InputProps & {
  rows?: number;
  className?: string;
  onBroken?: (broken: boolean) => void;
};

/**
 * A value as JSON. Text that is not JSON yet stays as it is written, and the value as it was; a value that is
 * changed elsewhere takes the place of the text.
 */
export function JsonInput({ value, onChange, rows = 4, className = "", onBroken, ...rest }: JsonProps) {
  const t = useTranslations();
  const [draft, setDraft] = useState<{ text: string; of: unknown; broken: boolean } | null>(null);
  const own = draft !== null && Object.is(draft.of, value) ? draft : null;
  const text = own?.text ?? (value === undefined ? "" : JSON.stringify(value, null, 2));
  const broken = own?.broken === true;
  return (
    <>
      <textarea
        {...rest}
        className={`${LINES} ${className}`}
        rows={rows}
        spellCheck={false}
        autoCapitalize="off"
        aria-invalid={broken || rest["aria-invalid"]}
        value={text}
        onChange={(event) => {
          const next = event.target.value;
          const meant = parsed(next);
          setDraft({
            text: next,
            of: meant === undefined ? value : meant.value,
            broken: meant === undefined,
          });
          onBroken?.(meant === undefined);
          if (meant !== undefined) onChange(meant.value);
        }}
      />
      {broken && (
        <p role="status" className="mt-1 text-[0.8125rem] text-red">
          {t("form.notJson")}
        </p>
      )}
    </>
  );
}
