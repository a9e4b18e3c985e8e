/** The form of a configuration template: its schema, and the request that it makes. Pure. */
import type {
  NewStationTemplate,
  StationTemplate,
  StationTemplatePatch,
} from "../../api/template-schemas.ts";
import type { Fields, JsonSchema } from "./schema-form.ts";

/** Any text: as good as not said. */
const ANY = "*";
const pattern: JsonSchema = { type: "string", minLength: 1, maxLength: 100, default: ANY };
const name: JsonSchema = { type: "string", minLength: 1, maxLength: 50 };
const id: JsonSchema = { type: "integer", minimum: 0, maximum: 1_000 };

export const TEMPLATE_SCHEMA: JsonSchema = {
  ...{
    type: "object",
    additionalProperties: false,
    required: ["name", "vendor", "model", "firmwareVersion", "variables"],
  },
  properties: {
    name: { type: "string", minLength: 1, maxLength: 100 },
    vendor: pattern,
    model: pattern,
    firmwareVersion: pattern,
    siteIds: { type: "array", items: { type: "string", minLength: 1, maxLength: 64 }, minItems: 1 },
    rank: { type: "integer", minimum: -1_000, maximum: 1_000 },
    variables: {
      ...{ type: "array", minItems: 1 },
      items: {
        ...{ type: "object", additionalProperties: false, required: ["variable", "value"] },
        properties: {
          component: name,
          variable: name,
          value: { type: "string", maxLength: 500 },
          ...{ componentInstance: name, evseId: id, connectorId: id, variableInstance: name, key16: name },
        },
      },
    },
  },
};

/** What the form shows of a template. "What firmware" and "priority" mean other things in other forms. */
export function templateForm(template: StationTemplate | null): Fields {
  if (template === null) return {};
  const { name: called, vendor, model, firmware, siteIds, priority, variables } = template;
  return {
    ...{ name: called, vendor: vendor ?? ANY, model: model ?? ANY, firmwareVersion: firmware ?? ANY },
    ...(siteIds === null ? {} : { siteIds }),
    ...(priority === 0 ? {} : { rank: priority }),
    variables,
  };
}

export function newTemplate(value: Fields): NewStationTemplate {
  const { vendor, model, firmwareVersion, rank, ...rest } = value;
  const make = Object.entries({ vendor, model, firmware: firmwareVersion });
  return {
    ...(rest as NewStationTemplate),
    ...Object.fromEntries(make.filter(([, text]) => text !== ANY)),
    ...(rank === undefined ? {} : { priority: rank as number }),
  };
}

/** What is no longer in the form is taken away. */
export function templatePatch(value: Fields): StationTemplatePatch {
  const {
    vendor = null,
    model = null,
    firmware = null,
    siteIds = null,
    priority = 0,
    ...rest
  } = newTemplate(value);
  return { ...rest, vendor, model, firmware, siteIds, priority };
}

/** Where the API's word about the request stands in the form. */
export const templatePointer = (pointer: string): string =>
  pointer.replace(/^\/body\/firmware$/, "/body/firmwareVersion").replace(/^\/body\/priority$/, "/body/rank");
