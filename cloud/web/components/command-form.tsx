/**
 * The form of a command beside what it will send: both are the same value, and both can be written in. Checked
 * while it is written; what the cloud refuses stands at its field.
 */
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useRef, useState, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import type { NewCommand } from "../../api/schemas.ts";
import { permissionOfCommand } from "../../core/access.ts";
import { useProblems, useSendCommand, useSuggestions } from "../lib/command-form.ts";
import { problemsOf } from "../lib/schema-check.ts";
import { initialOf, isFields, type Fields, type JsonSchema } from "../lib/schema-form.ts";
import { Button } from "./button.tsx";
import { Card } from "./card.tsx";
import { TextField } from "./field.tsx";
import { MayButton } from "./may.tsx";
import { ProblemNote } from "./problem.tsx";
import { SchemaForm, type Names } from "./schema-form.tsx";
import { JsonInput } from "./schema-input.tsx";
import { useStation } from "./station-context.tsx";

export type CommandFormProps = {
  title: string;
  hint?: string | undefined;
  schema: JsonSchema;
  /** Over what the schema says stands there at first. */
  initial: Fields;
  example?: Fields | undefined;
  toCommand: (value: Fields) => NewCommand;
  ttlSeconds: number;
  waitsForStation: boolean;
  danger: boolean;
  names?: Names;
  onCancel: () => void;
  /** Above the fields: what the form itself depends on. */
  children?: ReactNode;
};

export function CommandForm(props: CommandFormProps) {
  const { schema, initial, example, toCommand, danger, names = "both" } = props;
  const t = useTranslations();
  const { station } = useStation();
  const form = useRef<HTMLFormElement>(null);
  const [value, setValue] = useState<unknown>(() => ({
    ...(initialOf(schema, schema) as Fields),
    ...initial,
  }));
  const [broken, setBroken] = useState(false);
  const [asked, setAsked] = useState(false);
  const [ttl, setTtl] = useState("");
  const { send, changed, head } = useSending(props);
  const suggest = useSuggestions(station);
  const found = useMemo(() => problemsOf(schema, value), [schema, value]);
  const problems = useProblems(found, send.error, { head, asked });
  const change = useCallback(
    (next: unknown) => {
      setValue(next);
      setBroken(false);
      changed();
    },
    [changed],
  );

  function submit(): void {
    setAsked(true);
    if (send.isPending || broken || found.length > 0 || !isFields(value)) {
      // After the words have come to stand at their fields.
      setTimeout(() => {
        const first = form.current?.querySelector<HTMLElement>("[aria-invalid=true], [data-problem]");
        first?.scrollIntoView({ block: "center" });
        first?.focus();
      });
      return;
    }
    const command = toCommand(value);
    send.mutate(ttl === "" ? command : { ...command, expiresInSeconds: Number(ttl) });
  }

  return (
    <form
      ref={form}
      noValidate
      className="grid grid-cols-1 items-start gap-6 lg:grid-cols-[minmax(0,1fr)_24rem]"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Card className="min-w-0 space-y-5 px-4 py-4 sm:px-5">
        <div>
          <h2 className="text-lg font-semibold">{props.title}</h2>
          {props.hint !== undefined && <p className="mt-0.5 max-w-prose text-ink-2">{props.hint}</p>}
        </div>
        {props.children}
        <SchemaForm {...{ schema, value, suggest, names }} onChange={change} problems={problems.places} />
        {!station.online && (
          <p className="rounded-lg bg-amber-soft px-3 py-2 text-sm text-amber">
            {t(props.waitsForStation ? "command.offlineWaits" : "command.offlineImmediate", {
              station: station.stationId,
            })}
          </p>
        )}
        {send.isError && problems.others && <ProblemNote error={send.error} />}
        <div className="flex flex-wrap items-center justify-end gap-2">
          {example !== undefined && Object.keys(example).length > 0 && (
            <Button look="ghost" className="mr-auto" onClick={() => change(example)}>
              {t("form.example")}
            </Button>
          )}
          <Button look="ghost" onClick={props.onCancel}>
            {t("common.cancel")}
          </Button>
          <MayButton
            needs={permissionOfCommand(toCommand({}).kind)}
            type="submit"
            icon="send"
            look={danger ? "danger" : "primary"}
            disabled={send.isPending}
          >
            {t("form.send")}
          </MayButton>
        </div>
      </Card>
      <div className="min-w-0 space-y-4 lg:sticky lg:top-20">
        <JsonSide {...{ value, toCommand }} onChange={change} onBroken={setBroken} />
        <TextField
          type="number"
          inputMode="numeric"
          min={1}
          max={86_400}
          label={t("form.ttl")}
          hint={t("form.ttlHint")}
          placeholder={String(props.ttlSeconds)}
          value={ttl}
          onChange={(event) => {
            setTtl(event.target.value);
            changed();
          }}
        />
      </div>
    </form>
  );
}

/** Sending, and then the page of the command that was made. */
function useSending({ toCommand }: CommandFormProps) {
  const navigate = useNavigate();
  const { stationId } = useStation().station;
  const sending = useSendCommand(
    stationId,
    ({ commandId }) =>
      void navigate({ to: "/stations/$stationId/commands/$commandId", params: { stationId, commandId } }),
  );
  // Of a CALL the message itself is what is written.
  return { ...sending, head: toCommand({}).kind === "Call" ? "/body/params/payload" : "/body/params" };
}

type JsonProps = {
  value: unknown;
  toCommand: (value: Fields) => NewCommand;
  onChange: (value: unknown) => void;
  onBroken: (broken: boolean) => void;
};

/** The form's value as JSON; below it, where the form has words of its own, what goes to the cloud. */
function JsonSide({ value, toCommand, onChange, onBroken }: JsonProps) {
  const t = useTranslations();
  const [command, same] = useMemo(() => {
    if (!isFields(value)) return [null, true];
    const made = toCommand(value);
    const own = made.kind === "Call" ? made.params["payload"] : made.params;
    return [made, own === value];
  }, [value, toCommand]);
  return (
    <div>
      <label htmlFor="command-json" className="mb-1 flex items-baseline justify-between text-sm font-medium">
        {t("form.json")}
        {command !== null && <code className="font-mono text-xs font-normal text-ink-3">{command.kind}</code>}
      </label>
      {same ? (
        <JsonInput
          id="command-json"
          value={value}
          onChange={onChange}
          onBroken={onBroken}
          rows={Math.min(24, JSON.stringify(value, null, 2).split("\n").length + 1)}
          aria-invalid={false}
          aria-describedby={undefined}
        />
      ) : (
        <textarea
          id="command-json"
          readOnly
          rows={16}
          className="block w-full rounded-lg border border-line bg-raised px-3 py-2 font-mono text-[0.8125rem]"
          value={JSON.stringify(command?.params, null, 2)}
        />
      )}
    </div>
  );
}
