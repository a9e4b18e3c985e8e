/** What the configuration of a station looks like, and the commands that change it. */
import { describe, expect, it } from "vitest";
import { commandProblems } from "../../../shared/ocpp/command-schema.ts";
import type { ConfigurationValue } from "../../api/template-schemas.ts";
import { find, inGroups, nameOf, valueState, writeCommand } from "./configuration.ts";

const value = (change: Partial<ConfigurationValue>): ConfigurationValue => ({
  ...{ name: "OCPPCommCtrlr/HeartbeatInterval", key: "HeartbeatInterval", component: "OCPPCommCtrlr" },
  ...{ componentInstance: null, evseId: null, connectorId: null, variable: "HeartbeatInterval" },
  ...{ variableInstance: null, actual: "60", secret: false, mutability: "ReadWrite", unit: "s" },
  ...{ dataType: "integer", readAt: null, wanted: null, templateId: null, template: null, drift: false },
  state: null,
  ...change,
});

describe("valueState", () => {
  it.each<[Partial<ConfigurationValue>, string | null]>([
    [{}, null],
    [{ wanted: "60" }, "asWanted"],
    [{ wanted: "30", drift: true }, "wanted"],
    [{ wanted: "30", drift: true, state: "refused" }, "refused"],
    [{ wanted: "30", drift: true, actual: null }, "unread"],
  ])("of %o is %s", (change, expected) => expect(valueState(value(change))).toBe(expected));
});

describe("inGroups", () => {
  it("puts variables under their component and place, and keys of 1.6 into one group", () => {
    const values = [value({}), value({ evseId: 1, connectorId: 2, component: "Connector" })];
    expect(inGroups(values, "ocpp2.0.1").map(([group]) => group)).toEqual([
      "OCPPCommCtrlr",
      "Connector · EVSE 1.2",
    ]);
    expect(inGroups(values, "ocpp1.6").map(([group]) => group)).toEqual([""]);
  });
});

describe("find", () => {
  it("looks into names, keys and values, without regard to case", () => {
    const values = [value({}), value({ name: "X", key: null, actual: "Secret garden" })];
    expect(find(values, "HEART")).toEqual([values[0]]);
    expect(find(values, "garden")).toEqual([values[1]]);
    expect(find(values, " ")).toHaveLength(2);
  });
});

describe("writeCommand", () => {
  it("writes a key on 1.6 and a variable at its place on 2.x, in a form that the cloud takes", () => {
    expect(writeCommand(value({}), "ocpp1.6", "30").params).toEqual({
      key: "HeartbeatInterval",
      value: "30",
    });
    const placed = value({ componentInstance: "a", evseId: 1, connectorId: 2, variableInstance: "b" });
    expect(nameOf(placed, "ocpp2.0.1")).toBe("HeartbeatInterval [b]");
    const { kind, params } = writeCommand(placed, "ocpp2.0.1", "30");
    expect(commandProblems(kind, params)).toEqual([]);
    expect(params).toEqual({
      setVariableData: [
        {
          component: { name: "OCPPCommCtrlr", instance: "a", evse: { id: 1, connectorId: 2 } },
          variable: { name: "HeartbeatInterval", instance: "b" },
          attributeValue: "30",
        },
      ],
    });
  });
});
