/**
 * Checks the parameters of a command, the same way in the cloud before it is taken and at the site before it is
 * sent.
 *
 * Own kinds have schemas of their own. Standard kinds have the official request of OCPP 2.0.1 (or 2.1, where
 * 2.0.1 has none), of which those fields may be absent that the ER fills in: ids, and addresses on the box.
 */
import { Compile, type Validator } from "typebox/compile";
import { CommandParams, isOwnKind, isStandardKind, type OwnKind, type StandardKind } from "../command.ts";
import { compileSchema, schemaOf, withoutUnused } from "./schemas.ts";

type Schema = Record<string, unknown>;

/** Fields that we fill in, by the path of the object that holds them. */
const OURS: Partial<Record<StandardKind, [definition: string | undefined, fields: string[]][]>> = {
  ReserveNow: [[undefined, ["id"]]],
  GetLog: [
    [undefined, ["requestId", "log"]],
    ["LogParametersType", ["remoteLocation"]],
  ],
  UpdateFirmware: [
    [undefined, ["requestId"]],
    ["FirmwareType", ["location", "retrieveDateTime"]],
  ],
};

/** Besides the official fields. */
const EXTRA: Partial<Record<StandardKind, [definition: string, properties: Schema][]>> = {
  // A file that the SG keeps: the ER fetches it and serves it to the station.
  UpdateFirmware: [["FirmwareType", { fileId: { type: "string", format: "uuid" } }]],
};

const without = (required: unknown, fields: readonly string[]): string[] =>
  ((required ?? []) as string[]).filter((name) => !fields.includes(name));

/** The JSON schema that the parameters of a standard command must fit, for checks and for forms. */
export function commandSchema(kind: StandardKind): Schema {
  const official = schemaOf("ocpp2.0.1", kind, "Request") ?? schemaOf("ocpp2.1", kind, "Request") ?? {};
  const schema = structuredClone(official);
  delete schema["$id"];
  const definitions = (schema["definitions"] ?? {}) as Record<string, Schema>;
  for (const [definition, fields] of OURS[kind] ?? [[undefined, ["requestId"]]]) {
    const target = definition === undefined ? schema : definitions[definition];
    if (target !== undefined) target["required"] = without(target["required"], fields);
  }
  for (const [definition, properties] of EXTRA[kind] ?? []) {
    const target = definitions[definition];
    if (target !== undefined) Object.assign(target["properties"] as Schema, properties);
  }
  return withoutUnused(schema);
}

/** What is wrong, and where: a JSON pointer into the parameters. */
export type ParamsProblem = { pointer: string; message: string };
type Check = (params: unknown) => ParamsProblem[];

const checks = new Map<string, Check>();

function ownCheck(kind: OwnKind): Check {
  const validator = Compile(CommandParams[kind]) as unknown as Validator;
  return (params) =>
    validator.Check(params)
      ? []
      : [...validator.Errors(params)].map((e) => ({ pointer: e.instancePath, message: e.message }));
}

function standardCheck(kind: StandardKind): Check {
  const check = compileSchema(commandSchema(kind));
  return (params) => {
    const violation = check(params);
    if (violation === undefined) return [];
    const { pointer = "", reason } = violation;
    // The reason begins with the place, which is told beside it.
    return [{ pointer, message: reason.slice((pointer === "" ? "payload" : pointer).length + 1) }];
  };
}

/** @returns what is wrong with a command's parameters, for the person who wrote them; empty: nothing. */
export function commandProblems(kind: string, params: unknown): ParamsProblem[] {
  let check = checks.get(kind);
  if (check === undefined) {
    if (isOwnKind(kind)) check = ownCheck(kind);
    else if (isStandardKind(kind)) check = standardCheck(kind);
    else return [{ pointer: "", message: "no such command" }];
    checks.set(kind, check);
  }
  return check(params);
}
