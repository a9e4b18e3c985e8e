/**
 * A form made from a JSON schema: the value in, the changed value out. Fields that may be left out are added on
 * demand, so that a form is as long as what is said with it.
 *
 * It does not send and does not check: problems are handed in and stand at their fields.
 */
import { createContext, useContext, useId, useMemo, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import {
  addedOf,
  describe,
  isFields,
  pointerTo,
  setAt,
  shapeOf,
  type Field,
  type JsonSchema,
  type Shape,
} from "../lib/schema-form.ts";
import { useCode } from "../lib/words.ts";
import { Button } from "./button.tsx";
import { Icon } from "./icon.tsx";
import { ChoiceInput, JsonInput, NumberInput, TextInput, YesNoInput } from "./schema-input.tsx";

/** Values that are known for a place: shown as suggestions, never as the only choice. */
export type Suggestion = { value: string; label?: string };
export type Suggest = (name: string) => readonly Suggestion[];

/** `standard`: names of OCPP as they are; `ours`: the words that we have; `both`: ours, with OCPP's beside them. */
export type Names = "standard" | "ours" | "both";

type Shared = {
  root: JsonSchema;
  set: (pointer: string, next: unknown) => void;
  problemsAt: (pointer: string) => readonly string[];
  suggest: Suggest;
  names: Names;
};

const Form = createContext<Shared | null>(null);

function useForm(): Shared {
  const shared = useContext(Form);
  if (shared === null) throw new Error("a field of a schema stands outside of its form");
  return shared;
}

type Props = {
  schema: JsonSchema;
  value: unknown;
  onChange: (value: unknown) => void;
  /** Problems in words, by the place. */
  problems: ReadonlyMap<string, readonly string[]>;
  suggest?: Suggest;
  names?: Names;
};

const NOTHING: readonly never[] = [];

export function SchemaForm({ schema, value, onChange, problems, suggest, names = "both" }: Props) {
  const t = useTranslations();
  const shared = useMemo(
    (): Shared => ({
      ...{ root: schema, names, suggest: suggest ?? (() => NOTHING) },
      set: (pointer, next) => onChange(setAt(value, pointer, next)),
      problemsAt: (pointer) => problems.get(pointer) ?? NOTHING,
    }),
    [schema, value, onChange, problems, suggest, names],
  );
  const shape = shapeOf(schema, schema);
  const empty = shape.kind === "object" && shape.fields.length === 0;
  return (
    <Form value={shared}>
      <div className="space-y-4">
        <Problems pointer="" />
        {empty ? (
          <p className="text-ink-2">{t("form.nothing")}</p>
        ) : shape.kind === "object" ? (
          <ObjectFields shape={shape} value={value} pointer="" />
        ) : (
          <Place name="" schema={schema} value={value} pointer="" />
        )}
      </div>
    </Form>
  );
}

export type PlaceProps = {
  /** Of the field; "" for an item of a list. */
  name: string;
  label?: string | undefined;
  schema: JsonSchema;
  value: unknown;
  pointer: string;
  required?: boolean | undefined;
  onRemove?: (() => void) | undefined;
};

function Place(props: PlaceProps) {
  const { root } = useForm();
  const shape = shapeOf(props.schema, root);
  switch (shape.kind) {
    case "object":
      return (
        <Group {...props}>
          <ObjectFields shape={shape} value={props.value} pointer={props.pointer} />
        </Group>
      );
    case "array":
      return (
        <Group {...props} list>
          <Items shape={shape} value={props.value} pointer={props.pointer} name={props.name} />
        </Group>
      );
    default:
      return <Leaf {...props} shape={shape} />;
  }
}

/** What a field is called: our word where there is one, with the standard's name beside it. */
function useName(name: string): { word: string; code: string | null } {
  const { names } = useForm();
  const code = useCode();
  const word = code("fieldName", name);
  if (names === "standard" || word === null) return { word: name, code: null };
  return { word, code: names === "ours" ? null : name };
}

function Name({ name, label, required }: Pick<PlaceProps, "name" | "label" | "required">) {
  const t = useTranslations();
  const { word, code } = useName(name);
  return (
    <>
      {label ?? word}
      {label === undefined && code !== null && (
        <code className="ml-1.5 font-mono text-xs font-normal text-ink-3">{code}</code>
      )}
      {required === false && <span className="sr-only"> {t("form.optional")}</span>}
    </>
  );
}

function RemoveButton({ name, onRemove }: { name: string; onRemove: () => void }) {
  const t = useTranslations();
  return (
    <button
      type="button"
      onClick={onRemove}
      aria-label={t("form.remove", { name })}
      title={t("form.remove", { name })}
      className="inline-flex size-7 shrink-0 items-center justify-center rounded-md text-ink-3 hover:bg-raised
        hover:text-ink pointer-coarse:size-11"
    >
      <Icon name="x" className="size-3.5" />
    </button>
  );
}

/** `list`: its items have frames of their own. */
type GroupProps = PlaceProps & { list?: boolean; children: ReactNode };

function Group({ name, label, pointer, required, onRemove, list = false, children }: GroupProps) {
  const { word } = useName(name);
  return (
    <fieldset className={`min-w-0 ${list ? "" : "rounded-lg border border-line px-3 pt-2 pb-3 sm:px-4"}`}>
      <legend className="sr-only">{label ?? word}</legend>
      <div className="mb-2 flex min-h-7 items-center justify-between gap-2">
        <span className="text-sm font-semibold" aria-hidden="true">
          <Name {...{ name, label, required }} />
        </span>
        {onRemove !== undefined && <RemoveButton name={label ?? word} onRemove={onRemove} />}
      </div>
      <div className="space-y-3">
        <Problems pointer={pointer} />
        {children}
      </div>
    </fieldset>
  );
}

function Problems({ pointer, id }: { pointer: string; id?: string }) {
  const problems = useForm().problemsAt(pointer);
  if (problems.length === 0) return null;
  return (
    <p id={id} className="mt-1 flex gap-1.5 text-[0.8125rem] text-red" data-problem>
      <Icon name="alert" className="mt-[0.2rem] size-3.5" />
      {problems.join(" · ")}
    </p>
  );
}

type ObjectProps = { shape: Extract<Shape, { kind: "object" }>; value: unknown; pointer: string };

function ObjectFields({ shape, value, pointer }: ObjectProps) {
  const { set, root } = useForm();
  const fields = isFields(value) ? value : {};
  const isThere = ({ name, required }: Field) => required || fields[name] !== undefined;
  const known = new Set(shape.fields.map((field) => field.name));
  const others = Object.keys(fields).filter((name) => !known.has(name));
  return (
    <>
      {shape.fields.filter(isThere).map(({ name, schema, required }) => {
        const place = pointerTo(pointer, name);
        const onRemove = required ? undefined : () => set(place, undefined);
        return (
          <Place key={name} {...{ name, schema, required, onRemove }} value={fields[name]} pointer={place} />
        );
      })}
      {others.map((name) => {
        const place = pointerTo(pointer, name);
        return (
          <Place
            key={name}
            name={name}
            schema={{}}
            value={fields[name]}
            pointer={place}
            onRemove={() => set(place, undefined)}
          />
        );
      })}
      <AddFields
        fields={shape.fields.filter((field) => !isThere(field))}
        onAdd={({ name, schema }) => set(pointerTo(pointer, name), addedOf(schema, root))}
      />
    </>
  );
}

function AddFields({ fields, onAdd }: { fields: readonly Field[]; onAdd: (field: Field) => void }) {
  const t = useTranslations();
  if (fields.length === 0) return null;
  return (
    <div role="group" aria-label={t("form.addField")} className="flex flex-wrap gap-1.5">
      {fields.map((field) => (
        <AddField key={field.name} field={field} onAdd={onAdd} />
      ))}
    </div>
  );
}

function AddField({ field, onAdd }: { field: Field; onAdd: (field: Field) => void }) {
  const { root } = useForm();
  const { word } = useName(field.name);
  return (
    <button
      type="button"
      title={describe(field.schema, root) || undefined}
      onClick={() => onAdd(field)}
      className="inline-flex h-7 items-center gap-1 rounded-md border border-dashed border-line-strong px-2
        text-[0.8125rem] text-ink-2 hover:bg-raised hover:text-ink pointer-coarse:h-11"
    >
      <Icon name="plus" className="size-3" />
      {word}
    </button>
  );
}

type ItemsProps = {
  shape: Extract<Shape, { kind: "array" }>;
  value: unknown;
  pointer: string;
  name: string;
};

function Items({ shape, value, pointer, name }: ItemsProps) {
  const t = useTranslations();
  const { set, root } = useForm();
  const { word } = useName(name);
  const items = Array.isArray(value) ? (value as unknown[]) : [];
  return (
    <>
      {items.map((item, index) => {
        const place = pointerTo(pointer, index);
        return (
          <Place
            // An item has no name of its own: its place is what it is.
            key={index}
            name=""
            label={`${word} ${index + 1}`}
            schema={shape.item}
            value={item}
            pointer={place}
            onRemove={items.length > shape.minItems ? () => set(place, undefined) : undefined}
          />
        );
      })}
      {items.length < shape.maxItems && (
        <Button
          small
          icon="plus"
          onClick={() => set(pointer, [...items, addedOf(shape.item, root)])}
          aria-label={t("form.addItem", { name: word })}
        >
          {t("form.add")}
        </Button>
      )}
    </>
  );
}

type LeafShape = Exclude<Shape, { kind: "object" | "array" }>;

function Leaf({
  name,
  label,
  schema,
  value,
  pointer,
  required,
  onRemove,
  shape,
}: PlaceProps & { shape: LeafShape }) {
  const { root, set, problemsAt, suggest } = useForm();
  const id = useId();
  const { word } = useName(name);
  const invalid = problemsAt(pointer).length > 0;
  const hint = describe(schema, root);
  const described = [hint === "" ? "" : `${id}-hint`, invalid ? `${id}-problem` : ""]
    .filter(Boolean)
    .join(" ");
  const input = {
    id,
    value,
    onChange: (next: unknown) => set(pointer, next),
    "aria-invalid": invalid,
    "aria-describedby": described === "" ? undefined : described,
  };
  return (
    <div className="min-w-0">
      <div className="flex min-h-7 items-center justify-between gap-2">
        <label htmlFor={id} className="min-w-0 text-sm font-medium break-words">
          <Name {...{ name, label, required }} />
        </label>
        {onRemove !== undefined && <RemoveButton name={label ?? word} onRemove={onRemove} />}
      </div>
      <LeafInput {...{ shape, input }} suggestions={suggest(name)} />
      <Problems pointer={pointer} id={`${id}-problem`} />
      {hint !== "" && (
        <p id={`${id}-hint`} lang="en" title={hint} className="mt-1 line-clamp-2 text-[0.8125rem] text-ink-3">
          {hint}
        </p>
      )}
    </div>
  );
}

export type InputProps = {
  id: string;
  value: unknown;
  onChange: (next: unknown) => void;
  "aria-invalid": boolean;
  "aria-describedby": string | undefined;
};

type LeafInputProps = { shape: LeafShape; input: InputProps; suggestions: readonly Suggestion[] };

function LeafInput({ shape, input, suggestions }: LeafInputProps) {
  switch (shape.kind) {
    case "choice":
      return <ChoiceInput {...input} words={shape.values} />;
    case "number":
      return <NumberInput {...input} shape={shape} suggestions={suggestions} />;
    case "boolean":
      return <YesNoInput {...input} />;
    case "text":
      return <TextInput {...input} shape={shape} suggestions={suggestions} />;
    case "json":
      return <JsonInput {...input} />;
  }
}
