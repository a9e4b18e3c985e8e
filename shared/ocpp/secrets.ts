/**
 * What nobody may read in a journal, a table or an API: the passwords in messages, replaced by `***`.
 *
 * Pure. It knows requests and answers by their fields, and takes payloads of any shape: what is not where the
 * standard puts it is left as it is.
 */
import { callText, parseFrame, resultText } from "./frame.ts";

type Fields = Record<string, unknown>;

export const MASK = "***";

/** Configuration keys of 1.6 and variables of 2.x, in lower case. */
const SECRETS: ReadonlySet<string> = new Set(["authorizationkey", "basicauthpassword", "sharedsecret"]);

/** Names are compared without regard to case, as the standard does. */
export const isSecret = (variable: unknown): boolean =>
  typeof variable === "string" && SECRETS.has(variable.toLowerCase());

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** @returns the object itself where it has none of the fields. */
function masked(item: Fields, ...names: string[]): Fields {
  const found = names.filter((name) => item[name] !== undefined);
  return found.length === 0 ? item : { ...item, ...Object.fromEntries(found.map((name) => [name, MASK])) };
}

/** @returns the object itself where the change made no difference. */
function changed(item: Fields, name: string, change: (value: unknown) => unknown): Fields {
  if (!Object.hasOwn(item, name)) return item;
  const value = change(item[name]);
  return value === item[name] ? item : { ...item, [name]: value };
}

const each = (change: (item: Fields) => Fields) => (list: unknown) => {
  if (!Array.isArray(list)) return list;
  const made = list.map((item: unknown) => (isFields(item) ? change(item) : item));
  return made.every((item, index) => item === list[index]) ? list : made;
};

const whole = (change: (item: Fields) => Fields) => (value: unknown) =>
  isFields(value) ? change(value) : value;

const nameOf = (item: Fields): unknown => (isFields(item["variable"]) ? item["variable"]["name"] : undefined);
const ofVariable = (change: (item: Fields) => Fields) => (item: Fields) =>
  isSecret(nameOf(item)) ? change(item) : item;
const attribute = ofVariable((item) => masked(item, "attributeValue"));

function connection(data: Fields): Fields {
  const basic = masked(data, "basicAuthPassword");
  const apn = changed(
    basic,
    "apn",
    whole((item) => masked(item, "apnPassword", "simPin")),
  );
  return changed(
    apn,
    "vpn",
    whole((item) => masked(item, "password", "key")),
  );
}

/**
 * The payload of a call, of its answer, or the parameters of a command, without secrets.
 * @param action the action, or the kind of the command.
 * @returns the payload itself where it holds none.
 */
export function maskSecrets(action: string, payload: Fields): Fields {
  switch (action) {
    case "ChangeConfiguration":
      return isSecret(payload["key"]) ? masked(payload, "value") : payload;
    case "GetConfiguration": {
      const key = each((item) => (isSecret(item["key"]) ? masked(item, "value") : item));
      return changed(payload, "configurationKey", key);
    }
    case "SetVariables":
      return changed(payload, "setVariableData", each(attribute));
    case "GetVariables":
      return changed(payload, "getVariableResult", each(attribute));
    case "NotifyReport": {
      const values = ofVariable((item) =>
        changed(
          item,
          "variableAttribute",
          each((told) => masked(told, "value")),
        ),
      );
      return changed(payload, "reportData", each(values));
    }
    case "SetNetworkProfile":
      return changed(payload, "connectionData", whole(connection));
    case "Call": {
      const inner = payload["action"];
      if (typeof inner !== "string" || inner === "Call") return payload;
      return changed(
        payload,
        "payload",
        whole((item) => maskSecrets(inner, item)),
      );
    }
    default:
      return payload;
  }
}

/** Whether a command, a call or an answer tells a secret. */
export const holdsSecret = (action: string, payload: Fields): boolean =>
  maskSecrets(action, payload) !== payload;

const TELLING: ReadonlySet<string> = new Set([
  ...["ChangeConfiguration", "GetConfiguration"],
  ...["SetVariables", "GetVariables", "NotifyReport", "SetNetworkProfile"],
]);

/** A frame of ours, or the answer to it, without secrets; byte for byte as it was where it holds none. */
export function maskFrame(action: string, text: string): string {
  if (!TELLING.has(action)) return text;
  const frame = parseFrame(text);
  if (frame.type !== "call" && frame.type !== "result") return text;
  const payload = maskSecrets(action, frame.payload);
  if (payload === frame.payload) return text;
  return frame.type === "call"
    ? callText(frame.messageId, frame.action, payload)
    : resultText(frame.messageId, payload);
}
