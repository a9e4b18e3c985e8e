/** Name and password of a new account. Long is what counts: a password has at least ten characters, and no rules. */
import type { FormEvent, ReactNode } from "react";
import { useTranslations } from "use-intl";
import { TextField } from "./field.tsx";

export const PASSWORD_MIN = 10;

type FieldProps = { label: string; value: string; onChange: (value: string) => void };

export function NewPasswordField({ label, value, onChange }: FieldProps) {
  const t = useTranslations();
  return (
    <TextField
      label={label}
      hint={t("signIn.passwordHint", { min: PASSWORD_MIN })}
      type="password"
      autoComplete="new-password"
      required
      minLength={PASSWORD_MIN}
      maxLength={200}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

export function NameField({ label, value, onChange }: FieldProps) {
  return (
    <TextField
      label={label}
      autoComplete="name"
      required
      maxLength={100}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

type FormProps = { onSubmit: () => void; onChange?: () => void; children: ReactNode };

/** A form that the page handles itself. */
export function PlainForm({ onSubmit, onChange, children }: FormProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <form className="space-y-4" onSubmit={submit} onChange={onChange}>
      {children}
    </form>
  );
}
