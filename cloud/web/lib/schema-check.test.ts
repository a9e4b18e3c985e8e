/** The page's check against the one of the cloud: what a form lets through is not refused for its form. */
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { describe, expect, it } from "vitest";
import { COMMAND_KINDS, CommandParams, isOwnKind } from "../../../shared/command.ts";
import { COMMAND_SAMPLES } from "../../../shared/ocpp/command-samples.ts";
import { commandSchema } from "../../../shared/ocpp/command-schema.ts";
import { fieldPointer, problemsOf } from "./schema-check.ts";
import { initialOf, setAt, type JsonSchema } from "./schema-form.ts";

const ajv = new Ajv({ strict: false, allErrors: false, multipleOfPrecision: 6 });
(addFormats as unknown as (to: Ajv, formats: string[]) => void)(ajv, ["date-time", "uri", "uuid"]);

const kinds = COMMAND_KINDS.map((kind) => {
  const schema = (isOwnKind(kind) ? CommandParams[kind] : commandSchema(kind)) as JsonSchema;
  return { kind, schema, sample: COMMAND_SAMPLES[kind] };
});

/** Every place of a value. */
function places(value: unknown, pointer = ""): string[] {
  if (typeof value !== "object" || value === null) return [pointer];
  const inner = Object.entries(value).flatMap(([name, one]) => places(one, `${pointer}/${name}`));
  return [pointer, ...inner];
}

const ODD = [undefined, null, "", "x", -1, 1.05, 5_000, true, [], {}, { surprise: 1 }, "y".repeat(6_000)];

describe("problemsOf", () => {
  it.each(kinds)("finds nothing wrong with the example of $kind", ({ schema, sample }) => {
    expect(problemsOf(schema, sample)).toEqual([]);
  });

  it.each(kinds)("agrees with a full validator on spoilt parameters of $kind", ({ schema, sample }) => {
    const validate = ajv.compile(schema);
    const differing = places(sample).flatMap((pointer) =>
      ODD.flatMap((odd) => {
        const spoilt = setAt(sample, pointer, odd);
        if (spoilt === undefined) return [];
        const [ours, theirs] = [problemsOf(schema, spoilt).length === 0, validate(spoilt)];
        return ours === theirs ? [] : [{ pointer, odd, ours, theirs }];
      }),
    );
    expect(differing).toEqual([]);
  });

  it("says where and what", () => {
    const schema = commandSchema("SetDisplayMessage") as JsonSchema;
    const message = { id: 1, priority: "Loud", message: { format: "UTF8", content: "y".repeat(513) } };
    expect(problemsOf(schema, { message, extra: 1 })).toEqual([
      { pointer: "/message/priority", code: "choice" },
      { pointer: "/message/message/content", code: "tooLong", limit: 512 },
      { pointer: "/extra", code: "unknown" },
    ]);
  });

  it("asks for what a new form leaves open", () => {
    const schema = commandSchema("ReserveNow") as JsonSchema;
    expect(problemsOf(schema, initialOf(schema, schema))).toEqual([
      { pointer: "/expiryDateTime", code: "required" },
      { pointer: "/idToken/idToken", code: "required" },
      { pointer: "/idToken/type", code: "required" },
    ]);
  });

  it("wants an instant with its zone", () => {
    const schema: JsonSchema = { type: "string", format: "date-time" };
    expect(problemsOf(schema, "2026-11-22T12:00:00Z")).toEqual([]);
    for (const text of ["2026-11-22", "2026-11-22T12:00:00", "2026-13-22T12:00:00Z"])
      expect(problemsOf(schema, text), text).toEqual([{ pointer: "", code: "instant" }]);
  });
});

describe("fieldPointer", () => {
  it("leads from the cloud's answer to the field", () => {
    expect(fieldPointer("/body/params/idToken/idToken", "/body/params")).toBe("/idToken/idToken");
    expect(fieldPointer("/body/params", "/body/params")).toBe("");
    expect(fieldPointer("/body/paramsToo", "/body/params")).toBeNull();
    expect(fieldPointer("/body/expiresInSeconds", "/body/params")).toBeNull();
  });
});
