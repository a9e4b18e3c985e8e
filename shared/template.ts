/**
 * Configuration templates: which values the stations of a make should have, and which template wins.
 *
 * A wanted value is written once, whatever the stations speak: as a 2.x variable, or, without a component, as a
 * key of OCPP 1.6; the table of `ocpp/device-model.ts` gives the other name. The ER and the API resolve by the
 * same function, so that what is shown is what is done. What the ER keeps by itself, so that a site works alone,
 * and what decides whether a station can connect at all, no template may name.
 */
import { Type, type Static } from "typebox";
import type { Protocol } from "./entry.ts";
import { given } from "./given.ts";
import { TEMPLATE_VARIABLES_MAX, TEMPLATE_WANTED_MAX } from "./limits.ts";
import { keyOfVariable, placeId, variableOfKey } from "./ocpp/device-model.ts";
import type { VariablePlace } from "./ocpp/message.ts";
import type { Make } from "./ocpp/quirks.ts";
import { isSecret } from "./ocpp/secrets.ts";
import { KEYS_16 } from "./ocpp/upkeep-v16.ts";
import { VARIABLES_201 } from "./ocpp/upkeep-v201.ts";
import { KEPT_SETTINGS } from "./ocpp/upkeep.ts";

const Name = Type.String({ minLength: 1, maxLength: 50 });
const Id = Type.Integer({ minimum: 0, maximum: 1_000 });
const Pattern = Type.String({ minLength: 1, maxLength: 100 });

/** One wanted value. */
export const TemplateVariable = Type.Object(
  {
    /** Absent: `variable` is a key of OCPP 1.6. */
    component: Type.Optional(Name),
    componentInstance: Type.Optional(Name),
    evseId: Type.Optional(Id),
    connectorId: Type.Optional(Id),
    variable: Name,
    variableInstance: Type.Optional(Name),
    /** Key for stations of OCPP 1.6, where the standard names none. */
    key16: Type.Optional(Name),
    value: Type.String({ maxLength: 500 }),
  },
  { additionalProperties: false },
);
export type TemplateVariable = Static<typeof TemplateVariable>;

/** Which stations: exact, or with `*` for any text; without regard to case. Absent: any. */
export const TemplateMatch = {
  vendor: Type.Optional(Pattern),
  model: Type.Optional(Pattern),
  firmware: Type.Optional(Pattern),
};

export const Template = Type.Object({
  templateId: Type.String({ maxLength: 36 }),
  name: Type.String({ maxLength: 100 }),
  ...TemplateMatch,
  priority: Type.Integer(),
  variables: Type.Array(TemplateVariable, { maxItems: TEMPLATE_VARIABLES_MAX }),
});
export type Template = Static<typeof Template>;

/** A value that a station should have, and which template says so. */
export type Wanted = { place: VariablePlace; value: string; templateId: string; template: string };

/** Where a wanted value goes on stations of this version; undefined: they have no such thing. */
export function placeFor(protocol: Protocol, variable: TemplateVariable): VariablePlace | undefined {
  const { component, componentInstance, evseId, connectorId, variableInstance, key16 } = variable;
  if (component === undefined)
    return protocol === "ocpp1.6"
      ? { component: "", variable: variable.variable }
      : variableOfKey(variable.variable);
  const place: VariablePlace = {
    ...{ component, variable: variable.variable },
    ...given("componentInstance", componentInstance),
    ...given("evseId", evseId),
    ...given("connectorId", connectorId),
    ...given("variableInstance", variableInstance),
  };
  if (protocol !== "ocpp1.6") return place;
  const key = key16 ?? keyOfVariable(place);
  return key === undefined ? undefined : { component: "", variable: key };
}

/** `*` stands for any text. Linear: the parts are looked for one after the other. */
export function fitsPattern(pattern: string | undefined, value: string | undefined): boolean {
  if (pattern === undefined) return true;
  const parts = pattern.toLowerCase().split("*");
  const text = (value ?? "").toLowerCase();
  const [first = "", last = ""] = [parts[0], parts.at(-1)];
  if (parts.length === 1) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length)
    return false;
  let from = first.length;
  const until = text.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const at = text.indexOf(part, from);
    if (at < 0 || at + part.length > until) return false;
    from = at + part.length;
  }
  return true;
}

const matches = ({ vendor, model, firmware }: Template, make: Make | undefined): boolean =>
  fitsPattern(vendor, make?.vendor) &&
  fitsPattern(model, make?.model) &&
  fitsPattern(firmware, make?.firmware);

const namedBy = ({ vendor, model, firmware }: Template): number =>
  [vendor, model, firmware].filter((part) => part !== undefined).length;

/** The one that wins comes first: by priority, then by how much of the make it names. */
const byWeight = (a: Template, b: Template): number =>
  b.priority - a.priority || namedBy(b) - namedBy(a) || (a.templateId < b.templateId ? -1 : 1);

/**
 * What a station should be set to, by identity of the place (`placeId`); at most TEMPLATE_WANTED_MAX values.
 * @param make as it said at its last boot; undefined: not known, and only templates for any station fit.
 */
export function wantedOf(
  templates: readonly Template[],
  make: Make | undefined,
  protocol: Protocol,
): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const template of templates.filter((each) => matches(each, make)).sort(byWeight)) {
    for (const variable of template.variables) {
      const place = placeFor(protocol, variable);
      if (place === undefined || wanted.size >= TEMPLATE_WANTED_MAX) continue;
      const id = placeId(place);
      if (wanted.has(id) || keptReason(place) !== undefined) continue;
      const { templateId, name } = template;
      wanted.set(id, { place, value: variable.value, templateId, template: name });
    }
  }
  return wanted;
}

/* What no template may name */

const bareId = ({ component, variable }: VariablePlace) => placeId({ component, variable });
const ids = (places: VariablePlace[]): Set<string> => new Set(places.map(bareId));
const key = (variable: string): VariablePlace => ({ component: "", variable });

const KEPT = ids(
  KEPT_SETTINGS.flatMap((setting) => {
    const place = VARIABLES_201[setting];
    return [
      ...(KEYS_16[setting] === undefined ? [] : [key(KEYS_16[setting])]),
      ...(place === undefined ? [] : [{ component: place[0], variable: place[1] }]),
    ];
  }),
);
const ACCESS = ids([
  ...["SecurityProfile", "CentralSystemURI", "CentralSystemURL"].map(key),
  { component: "SecurityCtrlr", variable: "Identity" },
  { component: "SecurityCtrlr", variable: "SecurityProfile" },
  { component: "OCPPCommCtrlr", variable: "NetworkConfigurationPriority" },
  ...["Identity", "SecurityProfile", "OcppCsmsUrl"].map((variable) => ({
    ...{ component: "NetworkConfiguration", variable },
  })),
]);

function keptReason(place: VariablePlace): string | undefined {
  const id = bareId(place);
  if (KEPT.has(id)) return "the ER keeps it by itself, so that the site works without the cloud";
  if (isSecret(place.variable)) return "it is a password: a template is no place for one";
  if (ACCESS.has(id)) return "it decides whether the station can connect: set it at one station at a time";
  return undefined;
}

/** Why no template may name it; undefined: it may. */
export function refusalOf(variable: TemplateVariable): string | undefined {
  const places = [placeFor("ocpp1.6", variable), placeFor("ocpp2.0.1", variable)];
  if (variable.key16 !== undefined) places.push(key(variable.key16));
  for (const place of places) {
    const reason = place === undefined ? undefined : keptReason(place);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
