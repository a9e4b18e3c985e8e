/**
 * A station's configuration as the page shows it: groups, words for how far a wanted value has come,
 * changes. Pure.
 */
import type { ConfigurationValue } from "../../api/template-schemas.ts";
import type { NewCommand } from "../../api/schemas.ts";
import type { IconName } from "../components/icon.tsx";
import type { Tone } from "./state.ts";

export type ValueState = "asWanted" | "unread" | NonNullable<ConfigurationValue["state"]>;

/** null: nobody wants anything of it. `unread`: wanted and nobody has read it yet. */
export function valueState(value: ConfigurationValue): ValueState | null {
  if (value.wanted === null) return null;
  if (!value.drift) return "asWanted";
  return value.state ?? (value.actual === null ? "unread" : "wanted");
}

export const VALUE_LOOK: Record<ValueState, { icon: IconName; tone: Tone }> = {
  asWanted: { icon: "check", tone: "neutral" },
  wanted: { icon: "clock", tone: "amber" },
  unread: { icon: "question", tone: "quiet" },
  written: { icon: "check", tone: "neutral" },
  refused: { icon: "x", tone: "red" },
  "reboot-required": { icon: "restart", tone: "amber" },
  "read-only": { icon: "block", tone: "amber" },
  unknown: { icon: "ban", tone: "amber" },
};

/** Whether somebody may try to write it. What a station does not tell may be written. */
export const isWritable = ({ mutability }: ConfigurationValue) => mutability !== "ReadOnly";

/** Where it belongs: the component with its instance and EVSE; "" for the keys of 1.6. */
export function groupOf(value: ConfigurationValue, protocol: string | null): string {
  if (protocol === "ocpp1.6" || value.component === null) return "";
  const { component, componentInstance, evseId, connectorId } = value;
  const at = [evseId, connectorId].filter((id) => id !== null).join(".");
  return [component, componentInstance ?? "", at === "" ? "" : `EVSE ${at}`].filter(Boolean).join(" · ");
}

/** Its own name within the group. */
export function nameOf(value: ConfigurationValue, protocol: string | null): string {
  if (protocol === "ocpp1.6") return value.key ?? value.name;
  return value.variableInstance === null ? value.variable : `${value.variable} [${value.variableInstance}]`;
}

/** In the order of the list; every group once. */
export function inGroups(
  values: readonly ConfigurationValue[],
  protocol: string | null,
): [group: string, values: ConfigurationValue[]][] {
  const groups = new Map<string, ConfigurationValue[]>();
  for (const value of values) {
    const group = groupOf(value, protocol);
    groups.set(group, [...(groups.get(group) ?? []), value]);
  }
  return [...groups];
}

/** Values of which a part of the name, the value or the wanted value is like this. */
export function find(values: readonly ConfigurationValue[], text: string): ConfigurationValue[] {
  const wanted = text.trim().toLowerCase();
  return values.filter(({ name, key, actual, wanted: want }) =>
    [name, key, actual, want].some((one) => one?.toLowerCase().includes(wanted)),
  );
}

/** The command that writes one value. */
export function writeCommand(
  value: ConfigurationValue,
  protocol: string | null,
  attributeValue: string,
): NewCommand {
  if (protocol === "ocpp1.6")
    return { kind: "ChangeConfiguration", params: { key: nameOf(value, protocol), value: attributeValue } };
  const { component, componentInstance, evseId, connectorId, variable, variableInstance } = value;
  const evse =
    evseId === null ? {} : { evse: { id: evseId, ...(connectorId === null ? {} : { connectorId }) } };
  const place = {
    component: {
      name: component ?? "",
      ...(componentInstance === null ? {} : { instance: componentInstance }),
      ...evse,
    },
    variable: { name: variable, ...(variableInstance === null ? {} : { instance: variableInstance }) },
  };
  return { kind: "SetVariables", params: { setVariableData: [{ ...place, attributeValue }] } };
}
