/** Form fields: label above, hint below, error in words. */
import {
  useId,
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
} from "react";
import { Icon } from "./icon.tsx";

const BOX = `h-10 w-full min-w-0 rounded-lg border border-line-strong bg-surface px-3 text-ink
  pointer-coarse:h-11  disabled:opacity-50 aria-invalid:border-red`;

type Common = {
  label: string;
  hint?: string | undefined;
  /** What is wrong with what stands in it, in words. */
  error?: string | undefined;
  hideLabel?: boolean;
};

function Shell({
  id,
  label,
  hint,
  error,
  hideLabel = false,
  children,
}: Common & { id: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <label htmlFor={id} className={hideLabel ? "sr-only" : "mb-1 block text-sm font-medium"}>
        {label}
      </label>
      {children}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="mt-1 text-[0.8125rem] text-ink-3">
          {hint}
        </p>
      )}
      {error !== undefined && (
        <p id={`${id}-error`} className="mt-1 flex gap-1 text-[0.8125rem] text-red">
          <Icon name="alert" className="mt-0.5 size-3.5" />
          {error}
        </p>
      )}
    </div>
  );
}

/** What tells a screen reader about a field: hint and error, where there are any. */
const described = (id: string, { hint, error }: Pick<Common, "hint" | "error">) => ({
  "aria-describedby": [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined,
  "aria-invalid": error === undefined ? undefined : true,
});

export function TextField({
  label,
  hint,
  error,
  hideLabel,
  className = "",
  ...rest
}: Common & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <Shell {...{ id, label, hint, error }} hideLabel={hideLabel ?? false}>
      <input id={id} className={`${BOX} ${className}`} {...described(id, { hint, error })} {...rest} />
    </Shell>
  );
}

export function SelectField({
  label,
  hint,
  error,
  hideLabel,
  className = "",
  ...rest
}: Common & SelectHTMLAttributes<HTMLSelectElement>) {
  const id = useId();
  return (
    <Shell {...{ id, label, hint, error }} hideLabel={hideLabel ?? false}>
      <select id={id} className={`${BOX} ${className}`} {...described(id, { hint, error })} {...rest} />
    </Shell>
  );
}

type Choice<T extends string> = { value: T; label: string; hint?: string };

/** A few choices of which one is taken, all of them visible. */
export function Choices<T extends string>(props: {
  legend: string;
  choices: readonly Choice<T>[];
  value: T;
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset>
      <legend className="mb-1.5 text-sm font-medium">{props.legend}</legend>
      <div className="space-y-1.5">
        {props.choices.map(({ value, label, hint }) => (
          <label
            key={value}
            className="flex cursor-pointer gap-2.5 rounded-lg border border-line px-3 py-2
              has-checked:border-accent has-checked:bg-accent-soft
              has-focus-visible:outline-2 has-focus-visible:outline-accent"
          >
            <input
              type="radio"
              name={name}
              className="mt-1 accent-(--accent)"
              checked={props.value === value}
              onChange={() => props.onChange(value)}
            />
            <span>
              <span className="font-medium">{label}</span>
              {hint !== undefined && <span className="block text-sm text-ink-2">{hint}</span>}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** The same in one line, for filters and settings. */
export function Segmented<T extends string>(props: {
  legend: string;
  choices: readonly { value: T; label: string }[];
  value: T;
  onChange: (value: T) => void;
}) {
  return (
    <div
      role="group"
      aria-label={props.legend}
      className="inline-flex rounded-lg border border-line bg-raised p-0.5"
    >
      {props.choices.map(({ value, label }) => (
        <button
          key={value}
          type="button"
          aria-pressed={props.value === value}
          onClick={() => props.onChange(value)}
          className="h-8 rounded-md px-2.5 text-sm whitespace-nowrap text-ink-2 hover:text-ink
            aria-pressed:bg-surface aria-pressed:font-medium
            aria-pressed:text-ink aria-pressed:shadow-card dark:aria-pressed:bg-line pointer-coarse:h-10"
        >
          {label}
        </button>
      ))}
    </div>
  );
}

type CheckProps = {
  label: string;
  hint?: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
};

/** Yes or no. */
export function CheckField({ label, hint, checked, onChange }: CheckProps) {
  return (
    <label className="flex cursor-pointer items-start gap-2.5 pointer-coarse:min-h-11">
      <input
        type="checkbox"
        className="mt-1 accent-(--accent)"
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span>
        {label} {hint !== undefined && <span className="block text-[0.8125rem] text-ink-3">{hint}</span>}
      </span>
    </label>
  );
}

/** A few lines of words. */
export function TextArea({
  label,
  hint,
  error,
  hideLabel,
  ...rest
}: Common & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  return (
    <Shell {...{ id, label, hint, error }} hideLabel={hideLabel ?? false}>
      <textarea
        id={id}
        rows={2}
        className="block w-full min-w-0 rounded-lg border border-line-strong bg-surface px-3 py-2 text-ink"
        {...described(id, { hint, error })}
        {...rest}
      />
    </Shell>
  );
}
