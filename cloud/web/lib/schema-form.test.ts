/** Forms out of the schemas that stations and commands really have. */
import { describe, expect, it } from "vitest";
import { CommandParams } from "../../../shared/command.ts";
import { commandSchema } from "../../../shared/ocpp/command-schema.ts";
import { actionsOf, schemaOf } from "../../../shared/ocpp/schemas.ts";
import {
  addedOf,
  describe as said,
  initialOf,
  instantOf,
  localInstant,
  pointerTo,
  setAt,
  shapeOf,
  type JsonSchema,
} from "./schema-form.ts";

const official = (protocol: "ocpp1.6" | "ocpp2.0.1" | "ocpp2.1", action: string) =>
  schemaOf(protocol, action, "Request") as JsonSchema;

function at(root: JsonSchema, ...names: string[]): JsonSchema {
  let schema = root;
  for (const name of names) {
    const shape = shapeOf(schema, root);
    const next =
      shape.kind === "array"
        ? shape.item
        : shape.kind === "object" && shape.fields.find((f) => f.name === name);
    if (next === false || next === undefined) throw new Error(`no ${name}`);
    schema = "schema" in next ? next.schema : next;
  }
  return schema;
}

describe("shapeOf", () => {
  it("knows every place of every message of every version", () => {
    const seen = new Set<string>();
    const walk = (schema: JsonSchema, root: JsonSchema, depth: number) => {
      const shape = shapeOf(schema, root);
      seen.add(shape.kind);
      if (depth > 7) return;
      if (shape.kind === "array") walk(shape.item, root, depth + 1);
      if (shape.kind === "object")
        for (const field of shape.fields) {
          // What only a vendor knows is the same everywhere.
          if (field.name !== "customData") walk(field.schema, root, depth + 1);
        }
    };
    for (const protocol of ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] as const)
      for (const action of actionsOf(protocol))
        walk(official(protocol, action), official(protocol, action), 0);
    expect([...seen].sort()).toEqual(["array", "boolean", "choice", "json", "number", "object", "text"]);
  });

  it("asks first for what must be there, and last for what only a vendor knows", () => {
    const shape = shapeOf(
      official("ocpp2.0.1", "RequestStartTransaction"),
      official("ocpp2.0.1", "RequestStartTransaction"),
    );
    const names = shape.kind === "object" ? shape.fields.map((field) => field.name) : [];
    expect(names.slice(0, 2).sort()).toEqual(["idToken", "remoteStartId"]);
    expect(names.at(-1)).toBe("customData");
  });

  it("sees an enumeration behind a reference and in a union of constants", () => {
    const log = official("ocpp2.0.1", "GetLog");
    expect(shapeOf(at(log, "logType"), log)).toEqual({
      kind: "choice",
      values: ["DiagnosticsLog", "SecurityLog"],
    });
    const reset = CommandParams.Reset as JsonSchema;
    expect(shapeOf(at(reset, "type"), reset)).toEqual({ kind: "choice", values: ["Immediate", "OnIdle"] });
  });

  it("has the limits of numbers, lists and texts", () => {
    const profile = official("ocpp1.6", "SetChargingProfile");
    const period = at(profile, "csChargingProfiles", "chargingSchedule", "chargingSchedulePeriod", "0");
    expect(shapeOf(at({ ...period }, "limit"), profile)).toMatchObject({ kind: "number", step: 0.1 });
    const set = CommandParams.SetVariables as JsonSchema;
    expect(shapeOf(at(set, "setVariableData"), set)).toMatchObject({ minItems: 1, maxItems: 50 });
    const install = official("ocpp2.0.1", "InstallCertificate");
    expect(shapeOf(at(install, "certificate"), install)).toMatchObject({ look: "lines", maxLength: 5500 });
    const reserve = official("ocpp2.0.1", "ReserveNow");
    expect(shapeOf(at(reserve, "expiryDateTime"), reserve)).toMatchObject({ look: "instant" });
  });

  it("leaves what a schema does not say to JSON", () => {
    const transfer = official("ocpp2.0.1", "DataTransfer");
    expect(shapeOf(at(transfer, "data"), transfer)).toEqual({ kind: "json" });
    const call = CommandParams.Call as JsonSchema;
    expect(shapeOf(at(call, "payload"), call)).toEqual({ kind: "json" });
  });
});

describe("initialOf", () => {
  it("has what must be there as far as it can be known, and guesses nothing", () => {
    const profile = commandSchema("SetChargingProfile") as JsonSchema;
    expect(initialOf(profile, profile)).toEqual({
      chargingProfile: { chargingSchedule: [{ chargingSchedulePeriod: [{}] }] },
    });
  });

  it("ends in schemas that contain themselves", () => {
    const root: JsonSchema = {
      $ref: "#/definitions/Tree",
      definitions: {
        Tree: { type: "object", required: ["child"], properties: { child: { $ref: "#/definitions/Tree" } } },
      },
    };
    expect(JSON.stringify(initialOf(root, root)).length).toBeLessThan(300);
  });
});

describe("addedOf", () => {
  it("is always there, so that it can be filled in", () => {
    const root = official("ocpp2.0.1", "GetLog");
    for (const field of [at(root, "retries"), at(root, "logType"), at(root, "log", "oldestTimestamp")])
      expect(addedOf(field, root)).toBeDefined();
  });
});

describe("setAt", () => {
  it("changes one place and leaves the given value alone", () => {
    const value = { a: [{ b: 1 }, { b: 2 }], c: 3 };
    expect(setAt(value, "/a/1/b", 5)).toEqual({ a: [{ b: 1 }, { b: 5 }], c: 3 });
    expect(value.a[1]).toEqual({ b: 2 });
  });

  it("takes away fields and items", () => {
    expect(setAt({ a: 1, b: 2 }, "/a", undefined)).toEqual({ b: 2 });
    expect(setAt({ a: [1, 2, 3] }, "/a/1", undefined)).toEqual({ a: [1, 3] });
  });

  it("makes the way to a place that is not there yet", () => {
    expect(setAt({}, "/a/b", 1)).toEqual({ a: { b: 1 } });
    expect(setAt(undefined, "", { a: 1 })).toEqual({ a: 1 });
  });

  it("goes to names with slashes and tildes", () => {
    expect(setAt({}, pointerTo("", "a/b~c"), 1)).toEqual({ "a/b~c": 1 });
  });
});

describe("describe", () => {
  it("says what the standard says without its catalogue numbers", () => {
    const root = official("ocpp2.0.1", "SetDisplayMessage");
    const text = said(at(root, "message", "message", "language"), root);
    expect(text).toContain("Message language identifier");
    expect(text).not.toMatch(/urn:|<<|>>|&lt;|\n/);
  });
});

describe("instants", () => {
  it("come back as they went", () => {
    expect(instantOf(localInstant("2026-11-22T12:34:56.000Z"))).toBe("2026-11-22T12:34:56.000Z");
    expect(localInstant("soon")).toBe("");
    expect(instantOf("")).toBe("");
  });
});
