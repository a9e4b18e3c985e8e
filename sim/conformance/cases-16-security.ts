/** OCPP 1.6: the security whitepaper, as far as security profile 1 goes. */
import { ROOT_CERTIFICATE, SIGNING_REQUEST } from "./certificates.ts";
import { boot, bootNotification, heard, timeAgo } from "./flow-16.ts";
import type { Fields } from "./frames.ts";
import { check, checkEqual, checkHas } from "./outcome.ts";
import { notApplicable, ordered, test, type Case, type Tools } from "./suite.ts";

const ACCEPTED = { status: "Accepted" };
const TLS = "TLS comes with the trust issue: profile 1 only";
const WRONG_PASSWORD = "this-is-not-my-password";

const HASH = {
  ...{ hashAlgorithm: "SHA256", issuerNameHash: "a1".repeat(32), issuerKeyHash: "b2".repeat(32) },
  serialNumber: "2d19d15e8688",
};

/** The operator has a root certificate installed; the station says what it says. */
async function install(t: Tools, use: string, wireUse: string, status: string): Promise<void> {
  const payload = await ordered(
    t,
    status === "Accepted" ? "succeeded" : "rejected",
    "InstallCertificate",
    { certificateType: use, certificate: ROOT_CERTIFICATE },
    { action: "InstallCertificate", answer: { status } },
  );
  checkEqual("the InstallCertificate", payload, {
    ...{ certificateType: wireUse, certificate: ROOT_CERTIFICATE },
  });
}

/** The operator asks which root certificates are installed; the station tells of one, or of none. */
async function installed(t: Tools, use: string, wireUse: string, found: boolean): Promise<void> {
  const answer = found ? { status: "Accepted", certificateHashData: [HASH] } : { status: "NotFound" };
  const { payload, ended } = await t.order(
    "GetInstalledCertificateIds",
    { certificateType: [use] },
    { action: "GetInstalledCertificateIds", answer },
  );
  checkEqual("the GetInstalledCertificateIds", payload, { certificateType: wireUse });
  checkEqual("the answer shown", ended.response, answer);
}

async function securityEvent(t: Tools, type: string): Promise<void> {
  const event = { type, timestamp: timeAgo(), techInfo: "conformance" };
  checkEqual("the answer", await t.station.call("SecurityEventNotification", event), {});
  if (t.csms.api !== undefined) await heard(t, "SecurityEventNotification", type);
}

/** The operator orders signed firmware. @returns the requestId. */
async function signedUpdate(t: Tools): Promise<number> {
  const firmware = {
    ...{ location: "http://127.0.0.1/firmware.bin", retrieveDateTime: timeAgo() },
    ...{ signingCertificate: ROOT_CERTIFICATE, signature: "c2lnbmF0dXJl" },
  };
  const payload = await ordered(
    t,
    "succeeded",
    "UpdateFirmware",
    { requestId: 80, firmware },
    { action: "SignedUpdateFirmware", answer: ACCEPTED },
  );
  const { signingCertificate, signature } = firmware;
  checkHas("the firmware", payload["firmware"], { signingCertificate, signature });
  return payload["requestId"] as number;
}

async function firmwareStatuses(t: Tools, requestId: number, statuses: readonly string[]): Promise<void> {
  for (const status of statuses) {
    const answer = await t.station.call("SignedFirmwareStatusNotification", { status, requestId });
    checkEqual("the answer", answer, {});
  }
}

/** Refused by its password, and nothing else. */
async function refusedPassword(t: Tools, password: string): Promise<void> {
  const { status } = await t.station.tryConnect({ password });
  checkEqual("the HTTP status for a wrong password", status, 401);
}

export const SECURITY_16: readonly Case[] = [
  test("TC_073_CSMS", "Update Charge Point Password for HTTP Basic Authentication", async (t) => {
    await boot(t);
    await t.untilKnown();
    const [payload] = await Promise.all([
      t.station.expect({
        ...{ action: "ChangeConfiguration", answer: ACCEPTED },
        match: (p) => p["key"] === "AuthorizationKey",
      }),
      t.api.setPassword(t.station.id, "conformance-1234", true),
    ]);
    const hex = String(payload["value"]);
    check(/^([0-9a-f]{2}){16,20}$/i.test(hex), "the value of AuthorizationKey is not 16 to 20 bytes in hex");
    const password = Buffer.from(hex, "hex");
    checkEqual("the password", password.toString("utf8"), "conformance-1234");
    await t.station.disconnect();
    await t.station.connect({ password });
    await bootNotification(t);
    await t.station.disconnect();
    await refusedPassword(t, WRONG_PASSWORD);
  }),

  notApplicable("TC_074_CSMS", "Update Charge Point Certificate by Request of Central System", TLS),

  test("TC_075_1_CSMS", "Install Certificate - ManufacturerRootCertificate", async (t) => {
    const use = "ManufacturerRootCertificate";
    await boot(t);
    await installed(t, use, use, false);
    await install(t, use, use, "Accepted");
    await installed(t, use, use, true);
  }),

  test("TC_075_2_CSMS", "Install Certificate - CentralSystemRootCertificate", async (t) => {
    const [use, wireUse] = ["CSMSRootCertificate", "CentralSystemRootCertificate"] as const;
    await boot(t);
    await installed(t, use, wireUse, false);
    await install(t, use, wireUse, "Accepted");
    await installed(t, use, wireUse, true);
  }),

  test("TC_076_CSMS", "Delete a Specific Certificate from the Charge Point", async (t) => {
    const [use, wireUse] = ["CSMSRootCertificate", "CentralSystemRootCertificate"] as const;
    await boot(t);
    await installed(t, use, wireUse, true);
    const payload = await ordered(
      t,
      "succeeded",
      "DeleteCertificate",
      { certificateHashData: HASH },
      { action: "DeleteCertificate", answer: ACCEPTED },
    );
    checkEqual("the DeleteCertificate", payload, { certificateHashData: HASH });
    await installed(t, use, wireUse, false);
  }),

  test("TC_077_CSMS", "Invalid ChargePointCertificate Security Event", async (t) => {
    await boot(t);
    const trigger = await ordered(
      t,
      "succeeded",
      "TriggerMessage",
      { requestedMessage: "SignChargingStationCertificate" },
      { action: "ExtendedTriggerMessage", answer: ACCEPTED },
    );
    checkEqual("the trigger", trigger, { requestedMessage: "SignChargePointCertificate" });
    const answer = await t.station.call("SignCertificate", { csr: SIGNING_REQUEST });
    checkEqual("the status of the SignCertificate", answer["status"], "Accepted");
    const signed = await ordered(
      t,
      "rejected",
      "CertificateSigned",
      { certificateChain: ROOT_CERTIFICATE },
      { action: "CertificateSigned", answer: { status: "Rejected" } },
    );
    checkEqual("the CertificateSigned", signed, { certificateChain: ROOT_CERTIFICATE });
    await securityEvent(t, "InvalidChargePointCertificate");
  }),

  test("TC_078_CSMS", "Invalid CentralSystemCertificate Security Event", async (t) => {
    await boot(t);
    await install(t, "CSMSRootCertificate", "CentralSystemRootCertificate", "Rejected");
    await securityEvent(t, "InvalidCentralSystemCertificate");
  }),

  test("TC_079_CSMS", "Get Security Log", async (t) => {
    await boot(t);
    const remoteLocation = "http://127.0.0.1/logs/";
    const payload = await ordered(
      t,
      "succeeded",
      "GetLog",
      { logType: "SecurityLog", requestId: 79, log: { remoteLocation } },
      { action: "GetLog", answer: { status: "Accepted", filename: "security.log" } },
    );
    checkEqual("the logType", payload["logType"], "SecurityLog");
    const location = (payload["log"] as Fields)["remoteLocation"];
    check(String(location) !== "", "the log has no remoteLocation");
    const requestId = payload["requestId"] as number;
    for (const status of ["Uploading", "Uploaded"])
      checkEqual("the answer", await t.station.call("LogStatusNotification", { status, requestId }), {});
    await heard(t, "LogStatusNotification", '"Uploaded"');
  }),

  test("TC_080_CSMS", "Secure Firmware Update", async (t) => {
    await boot(t);
    const requestId = await signedUpdate(t);
    await firmwareStatuses(t, requestId, ["Downloading", "Downloaded", "SignatureVerified", "Installing"]);
    await firmwareStatuses(t, requestId, ["InstallRebooting"]);
    await t.station.disconnect();
    await boot(t);
    const event = { type: "FirmwareUpdated", timestamp: timeAgo() };
    await t.station.call("SecurityEventNotification", event);
    await firmwareStatuses(t, requestId, ["Installed"]);
    await heard(t, "SignedFirmwareStatusNotification", '"Installed"');
  }),

  test("TC_081_CSMS", "Secure Firmware Update - Invalid Signature", async (t) => {
    await boot(t);
    const requestId = await signedUpdate(t);
    await firmwareStatuses(t, requestId, ["Downloading", "Downloaded", "InvalidSignature"]);
    await securityEvent(t, "InvalidFirmwareSignature");
  }),

  notApplicable("TC_083_CSMS", "Upgrade Charge Point Security Profile - Accepted", TLS),

  test("TC_085_CSMS", "Basic Authentication - Valid username/password", async (t) => {
    if (t.csms.password === undefined) await t.api.setPassword(t.station.id, "conformance-1234", false);
    await refusedPassword(t, WRONG_PASSWORD);
    await t.station.connect(t.csms.password === undefined ? { password: "conformance-1234" } : {});
    await bootNotification(t);
  }),

  notApplicable("TC_086_CSMS", "TLS - Server-side Certificate - Valid Certificate", TLS),

  notApplicable("TC_087_CSMS", "TLS - Client-side Certificate - Valid Certificate", TLS),

  test("TC_088_CSMS", "WebSocket Subprotocol Negotiation", async (t) => {
    const known = await t.station.tryConnect({ protocols: ["ocpp0.1", "ocpp1.6"] });
    checkEqual("the handshake", known, { status: 101, protocol: "ocpp1.6" });
    await bootNotification(t);
    await t.station.disconnect();
    const unknown = await t.station.tryConnect({ protocols: ["ocpp0.1"] });
    checkEqual("the subprotocol for a version that nobody speaks", unknown.protocol, "");
  }),
];
