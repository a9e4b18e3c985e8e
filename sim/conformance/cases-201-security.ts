/** OCPP 2.0.1, A: security, as far as security profile 1 goes. */
import { ROOT_CERTIFICATE, SIGNING_REQUEST } from "./certificates.ts";
import { timeAgo } from "./flow-16.ts";
import { boot, bootNotification, connectorStatus, inTimeline, obeyed } from "./flow-201.ts";
import type { Fields } from "./frames.ts";
import { checkEqual, checkHas } from "./outcome.ts";
import type { ConnectOptions } from "./station.ts";
import { notApplicable, test, type Case, type Tools } from "./suite.ts";

const TLS = "TLS comes with the trust issue: profile 1 only";
const NEW_PASSWORD = "conformance-12345678";
const WRONG_PASSWORD = "this-is-not-my-password";

async function refusedAs(t: Tools, how: ConnectOptions): Promise<void> {
  if (t.csms.password === undefined) await t.api.setPassword(t.station.id, NEW_PASSWORD, false);
  const { status } = await t.station.tryConnect(how);
  checkEqual("the HTTP status of the handshake", status, 401);
}

/** The operator changes the password, which the station is told. @returns when the station has answered. */
async function changePassword(t: Tools, attributeStatus: string): Promise<void> {
  const place = { component: { name: "SecurityCtrlr" }, variable: { name: "BasicAuthPassword" } };
  await t.untilKnown();
  const [payload] = await Promise.all([
    t.station.expect({
      action: "SetVariables",
      match: (p) => JSON.stringify(p).includes("BasicAuthPassword"),
      answer: { setVariableResult: [{ ...place, attributeStatus }] },
    }),
    t.api.setPassword(t.station.id, NEW_PASSWORD, true),
  ]);
  const setVariableData = [{ ...place, attributeValue: NEW_PASSWORD }];
  checkHas("the SetVariables", payload, { setVariableData } as Fields);
}

/** A certificate of a kind is renewed: asked for, requested, signed by the operator's authority, installed. */
async function renew(t: Tools, use: "ChargingStation" | "V2G", status: string): Promise<void> {
  const certificateType = `${use}Certificate`;
  await obeyed(t, "TriggerMessage", { requestedMessage: `Sign${certificateType}` });
  const asked = { csr: SIGNING_REQUEST, certificateType };
  const answer = await t.station.call("SignCertificate", asked);
  checkEqual("the status of the SignCertificate", answer["status"], "Accepted");
  await inTimeline(t, "SignCertificate", certificateType);
  await obeyed(
    t,
    "CertificateSigned",
    { certificateChain: ROOT_CERTIFICATE, certificateType },
    { answer: { status }, outcome: status === "Accepted" ? "succeeded" : "rejected" },
  );
}

export const SECURITY_201: readonly Case[] = [
  test("TC_A_01", "Basic Authentication - Valid username/password combination", async (t) => {
    if (t.csms.password === undefined) {
      await t.api.setPassword(t.station.id, NEW_PASSWORD, false);
      t.station.usePassword(NEW_PASSWORD);
    }
    await boot(t);
  }),

  test("TC_A_02", "Basic Authentication - Username does not equal ChargingStationId", async (t) => {
    await refusedAs(t, { user: "somebody-else" });
  }),

  test("TC_A_03", "Basic Authentication - Invalid password", async (t) => {
    await refusedAs(t, { password: WRONG_PASSWORD });
  }),

  notApplicable("TC_A_04", "TLS - server-side certificate - Valid certificate", TLS),
  notApplicable("TC_A_06", "TLS - server-side certificate - TLS version too low", TLS),
  notApplicable("TC_A_07", "TLS - Client-side certificate - valid certificate", TLS),
  notApplicable("TC_A_08", "TLS - Client-side certificate - Invalid certificate", TLS),

  test("TC_A_09", "Update Charging Station Password for HTTP Basic Authentication - Accepted", async (t) => {
    await boot(t);
    await changePassword(t, "Accepted");
    await t.station.disconnect();
    await t.station.connect({ password: NEW_PASSWORD });
    await bootNotification(t);
    await connectorStatus(t, "Available");
    await t.station.disconnect();
    await refusedAs(t, { password: WRONG_PASSWORD });
  }),

  test("TC_A_10", "Update Charging Station Password for HTTP Basic Authentication - Rejected", async (t) => {
    await boot(t);
    await changePassword(t, "Rejected");
    // It kept its password, and must get in with it.
    await t.station.disconnect();
    await boot(t);
  }),

  notApplicable(
    "TC_A_11",
    "Update Charging Station Certificate by request of CSMS - Success - Charging Station Certificate",
    TLS,
  ),

  test(
    "TC_A_12",
    "Update Charging Station Certificate by request of CSMS - Success - V2G Certificate",
    async (t) => {
      await boot(t);
      await renew(t, "V2G", "Accepted");
    },
  ),

  notApplicable(
    "TC_A_13",
    "Update Charging Station Certificate by request of CSMS - Success - Combined Certificate",
    TLS,
  ),

  test(
    "TC_A_14",
    "Update Charging Station Certificate by request of CSMS - Invalid certificate",
    async (t) => {
      await boot(t);
      await renew(t, "ChargingStation", "Rejected");
      const event = { type: "InvalidChargingStationCertificate", timestamp: timeAgo() };
      checkEqual("the answer", await t.station.call("SecurityEventNotification", event), {});
      await inTimeline(t, "SecurityEventNotification", event.type);
    },
  ),

  notApplicable("TC_A_19", "Upgrade Charging Station Security Profile - Accepted", TLS),
];
