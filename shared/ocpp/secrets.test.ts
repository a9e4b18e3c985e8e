/** Passwords in messages: found wherever a message may hold one, and nothing else is touched. */
import { describe, expect, test } from "vitest";
import { callText, errorText, resultText } from "./frame.ts";
import { holdsSecret, maskFrame, maskSecrets } from "./secrets.ts";

const P = "correct horse";
const variable = (name: string) => ({ component: { name: "SecurityCtrlr" }, variable: { name } });

const TELLING: [action: string, payload: Record<string, unknown>][] = [
  ["ChangeConfiguration", { key: "AuthorizationKey", value: P }],
  ["ChangeConfiguration", { key: "authorizationkey", value: P }],
  ["GetConfiguration", { configurationKey: [{ key: "AuthorizationKey", readonly: false, value: P }] }],
  ["SetVariables", { setVariableData: [{ ...variable("BasicAuthPassword"), attributeValue: P }] }],
  ["GetVariables", { getVariableResult: [{ ...variable("BasicAuthPassword"), attributeValue: P }] }],
  ["NotifyReport", { reportData: [{ ...variable("BasicAuthPassword"), variableAttribute: [{ value: P }] }] }],
  [
    "SetNetworkProfile",
    { configurationSlot: 1, connectionData: { basicAuthPassword: P, messageTimeout: 30 } },
  ],
  ["SetNetworkProfile", { connectionData: { apn: { apn: "a", apnPassword: P, simPin: P } } }],
  ["SetNetworkProfile", { connectionData: { vpn: { server: "s", password: P, key: P } } }],
  ["Call", { action: "ChangeConfiguration", payload: { key: "AuthorizationKey", value: P } }],
];

test.each(TELLING)("%s %j tells its secret to nobody", (action, payload) => {
  const before = structuredClone(payload);
  const text = JSON.stringify(maskSecrets(action, payload));
  expect(text).not.toContain(P);
  expect(text.length).toBeGreaterThan(JSON.stringify(payload).replaceAll(P, "").length);
  expect(holdsSecret(action, payload)).toBe(true);
  // What was given is not changed: it still has to be sent.
  expect(payload).toEqual(before);
});

describe("what holds no secret stays the very same", () => {
  const PLAIN: [string, Record<string, unknown>][] = [
    ["ChangeConfiguration", { key: "HeartbeatInterval", value: "300" }],
    ["SetVariables", { setVariableData: [{ ...variable("OrganizationName"), attributeValue: P }] }],
    ["SetNetworkProfile", { connectionData: { ocppCsmsUrl: "wss://x", apn: { apn: "a" } } }],
    ["Call", { action: "Reset", payload: { type: "Soft" } }],
    ["Reset", { key: "AuthorizationKey", value: P }],
    ["constructor", {}],
  ];
  test.each(PLAIN)("%s %j", (action, payload) => {
    expect(maskSecrets(action, payload)).toBe(payload);
  });

  test.each([null, 7, "x", [], [null], [7], {}, { variable: null }, [{ variable: [] }]])(
    "nor does a payload of another shape break it: %j",
    (value) => {
      for (const action of new Set(TELLING.map(([name]) => name)))
        for (const field of [
          ...["configurationKey", "setVariableData", "getVariableResult", "reportData"],
          ...["connectionData", "payload", "key"],
        ]) {
          const payload = { [field]: value, action: "SetNetworkProfile" };
          expect(maskSecrets(action, payload)).toBe(payload);
        }
    },
  );
});

describe("frames", () => {
  test("of a call and of its answer", () => {
    const call = callText("m1", "ChangeConfiguration", { key: "AuthorizationKey", value: P });
    expect(maskFrame("ChangeConfiguration", call)).toBe(
      '[2,"m1","ChangeConfiguration",{"key":"AuthorizationKey","value":"***"}]',
    );
    const answer = resultText("m1", { configurationKey: [{ key: "AuthorizationKey", value: P }] });
    expect(maskFrame("GetConfiguration", answer)).toBe(
      '[3,"m1",{"configurationKey":[{"key":"AuthorizationKey","value":"***"}]}]',
    );
  });

  test("without one stay byte for byte, odd spaces and broken ones too", () => {
    const odd = '[ 2, "m1", "ChangeConfiguration", {"key":"A","value":"\\u0041"} ]';
    expect(maskFrame("ChangeConfiguration", odd)).toBe(odd);
    expect(maskFrame("ChangeConfiguration", "{")).toBe("{");
    const error = errorText("ocpp1.6", "m1", "GenericError", P);
    expect(maskFrame("ChangeConfiguration", error)).toBe(error);
  });
});
