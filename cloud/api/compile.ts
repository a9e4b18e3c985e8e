/**
 * From schemas to functions: what comes in is validated, what goes out is written by its schema and nothing
 * beside it.
 *
 * Each is made when it is first used: making them for every route took seconds of each start, and a program
 * asks for a few.
 */
import { Ajv, type ValidateFunction } from "ajv";
import { fullFormats } from "ajv-formats/dist/formats.js";
import fastJsonStringify from "fast-json-stringify";
import type { TSchema } from "typebox";
import type { App } from "./app.ts";
import { sharedSchemas } from "./shared-schemas.ts";

/** Queries, paths and headers are text and become what the schema says; a body says itself what it is. */
function compileValidators(app: App): void {
  const options = { useDefaults: true, removeAdditional: false, allErrors: false, strict: false };
  const validators = [new Ajv({ ...options, coerceTypes: true }), new Ajv(options)] as const;
  for (const ajv of validators) {
    for (const [name, format] of Object.entries(fullFormats)) ajv.addFormat(name, format);
    for (const schema of sharedSchemas()) ajv.addSchema(schema);
  }
  const [ofText, ofBody] = validators;
  app.setValidatorCompiler(({ schema, httpPart }) => {
    let validate: ValidateFunction | undefined;
    const lazy = (data: unknown): boolean => {
      validate ??= (httpPart === "body" ? ofBody : ofText).compile(schema as object);
      const valid = validate(data);
      lazy.errors = validate.errors;
      return valid;
    };
    lazy.errors = undefined as ValidateFunction["errors"];
    return lazy as never;
  });
}

const REFERENCE = /"\$ref":"([^"#]+)#?"/g;

/** The named schemas that one leads to, and those that they lead to. */
function referredFrom(schema: unknown, all: ReadonlyMap<string, TSchema>): Record<string, TSchema> {
  const found: Record<string, TSchema> = {};
  const waiting = [JSON.stringify(schema)];
  for (let text = waiting.pop(); text !== undefined; text = waiting.pop()) {
    for (const [, name = ""] of text.matchAll(REFERENCE)) {
      const named = all.get(name);
      if (named === undefined || Object.hasOwn(found, name)) continue;
      found[name] = named;
      waiting.push(JSON.stringify(named));
    }
  }
  return found;
}

function compileSerializers(app: App): void {
  const all = new Map(sharedSchemas().map((schema) => [String((schema as { $id?: string }).$id), schema]));
  app.setSerializerCompiler(({ schema }) => {
    let write: ((data: unknown) => string) | undefined;
    return (data: unknown) => {
      write ??= fastJsonStringify(schema as object, { schema: referredFrom(schema, all) as never });
      return write(data);
    };
  });
}

/** To be called before the routes are added. */
export function compileLazily(app: App): void {
  compileValidators(app);
  compileSerializers(app);
}
