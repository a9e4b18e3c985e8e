/** OCPP 2.0.1, L: firmware, updated and published; M: certificates. */
import { ROOT_CERTIFICATE } from "./certificates.ts";
import { timeAgo } from "./flow-16.ts";
import {
  boot,
  bootNotification,
  connectorStatus,
  createSession,
  HOUR_MS,
  inTimeline,
  obeyed,
  reported,
  shown,
} from "./flow-201.ts";
import type { Fields } from "./frames.ts";
import { check, checkEqual, NotApplicable } from "./outcome.ts";
import { test, type Case, type Tools } from "./suite.ts";

type Job = { requestId: number; commandId: string };

/** The operator orders signed firmware; checks what arrives. */
async function update(t: Tools, status = "Accepted", more: Fields = {}): Promise<Job> {
  const firmware = {
    ...{ location: "http://127.0.0.1/firmware.bin", retrieveDateTime: timeAgo() },
    ...{ signingCertificate: ROOT_CERTIFICATE, signature: "c2lnbmF0dXJl", ...more },
  };
  const { payload, commandId } = await obeyed(
    t,
    "UpdateFirmware",
    { firmware },
    { answer: { status }, outcome: status.startsWith("Accepted") ? "succeeded" : "rejected" },
  );
  const { requestId } = payload;
  check(Number.isInteger(requestId), "the requestId is no integer");
  return { requestId: requestId as number, commandId };
}

/** The station tells how far it is; the operator sees it with the order. */
async function progress(t: Tools, { requestId, commandId }: Job, ...statuses: string[]): Promise<void> {
  const told = statuses.map((status) => ({ status, requestId }));
  await reported(t, commandId, "FirmwareStatusNotification", told);
}

const FETCHED = ["Downloading", "Downloaded", "SignatureVerified"];

/** It restarts with what was installed. */
async function installed(t: Tools, job: Job): Promise<void> {
  await progress(t, job, "Installing", "InstallRebooting");
  await t.station.disconnect();
  await t.station.connect();
  await bootNotification(t, "FirmwareUpdate");
  await connectorStatus(t, "Available");
  await progress(t, job, "Installed");
}

async function securityEvent(t: Tools, type: string): Promise<void> {
  const answer = await t.station.call("SecurityEventNotification", { type, timestamp: timeAgo() });
  checkEqual("the answer", answer, {});
  await inTimeline(t, "SecurityEventNotification", type);
}

/** Firmware whose statuses are these; the last one is how it ends. */
const fails = (id: string, title: string, statuses: string[], event?: string): Case =>
  test(id, `Secure Firmware Update - ${title}`, async (t) => {
    await boot(t);
    await progress(t, await update(t), ...statuses);
    if (event !== undefined) await securityEvent(t, event);
  });

/** The station does not take it at all. */
const notTaken = (id: string, status: string): Case =>
  test(id, `Secure Firmware Update - ${status}`, async (t) => {
    await boot(t);
    await update(t, status);
    await securityEvent(t, "InvalidFirmwareSigningCertificate");
  });

const CHECKSUM = "0123456789abcdef0123456789abcdef";

/** The station is to publish firmware for others; what becomes of it. */
const publishes = (id: string, title: string, statuses: string[]): Case =>
  test(id, `Publish Firmware - ${title}`, async (t) => {
    await boot(t);
    const params = { location: "http://127.0.0.1/firmware.bin", checksum: CHECKSUM };
    const { payload, commandId } = await obeyed(t, "PublishFirmware", params);
    const { requestId } = payload;
    const told = statuses.map((status) => ({
      ...{ status, requestId },
      ...(status === "Published" ? { location: ["http://127.0.0.1/local/firmware.bin"] } : {}),
    }));
    await reported(t, commandId, "PublishFirmwareStatusNotification", told);
  });

const unpublishes = (id: string, title: string, status: string): Case =>
  test(id, `Unpublish Firmware - ${title}`, async (t) => {
    await boot(t);
    const outcome = status === "Unpublished" ? "succeeded" : "rejected";
    const params = { checksum: CHECKSUM };
    const { payload } = await obeyed(t, "UnpublishFirmware", params, { answer: { status }, outcome });
    checkEqual("the UnpublishFirmware", payload, params);
  });

export const FIRMWARE_201: readonly Case[] = [
  test("TC_L_01", "Secure Firmware Update - Installation successful", async (t) => {
    await boot(t);
    const job = await update(t);
    await progress(t, job, ...FETCHED);
    await installed(t, job);
  }),
  test("TC_L_02", "Secure Firmware Update - InstallScheduled", async (t) => {
    await boot(t);
    const job = await update(t, "Accepted", { installDateTime: timeAgo(-HOUR_MS) });
    await progress(t, job, ...FETCHED, "InstallScheduled");
    await installed(t, job);
  }),
  test("TC_L_03", "Secure Firmware Update - DownloadScheduled", async (t) => {
    await boot(t);
    const job = await update(t, "Accepted", { retrieveDateTime: timeAgo(-HOUR_MS) });
    await progress(t, job, "DownloadScheduled", ...FETCHED);
    await installed(t, job);
  }),
  notTaken("TC_L_04", "RevokedCertificate"),
  notTaken("TC_L_05", "InvalidCertificate"),
  fails(
    "TC_L_06",
    "InvalidSignature",
    ["Downloading", "Downloaded", "InvalidSignature"],
    "InvalidFirmwareSignature",
  ),
  fails("TC_L_07", "DownloadFailed", ["Downloading", "DownloadFailed"]),
  fails("TC_L_08", "InstallVerificationFailed", [...FETCHED, "Installing", "InstallVerificationFailed"]),
  fails("TC_L_09", "InstallationFailed", [...FETCHED, "Installing", "InstallationFailed"]),
  test("TC_L_10", "Secure Firmware Update - AcceptedCanceled", async (t) => {
    await boot(t);
    await progress(t, await update(t), "Downloading");
    const second = await update(t, "AcceptedCanceled");
    await progress(t, second, ...FETCHED);
    await installed(t, second);
  }),
  test("TC_L_11", "Secure Firmware Update - Unable to cancel", async (t) => {
    await boot(t);
    const first = await update(t);
    await progress(t, first, "Downloading");
    await update(t, "Rejected");
    await progress(t, first, "Downloaded", "SignatureVerified");
    await installed(t, first);
  }),
  test(
    "TC_L_13",
    "Secure Firmware Update - Ongoing transaction, AllowNewSessionsPendingFirmwareUpdate=false",
    async (t) => {
      const idToken = await t.token();
      await boot(t, 2);
      const session = createSession(t);
      await session.charge(idToken);
      const job = await update(t);
      await progress(t, job, "DownloadScheduled");
      await connectorStatus(t, "Unavailable", 2);
      await session.stopAuthorized(idToken);
      await session.end("EVCommunicationLost", "EVDisconnected", { info: { chargingState: "Idle" } });
      await connectorStatus(t, "Unavailable");
      await progress(t, job, ...FETCHED);
      await installed(t, job);
      await shown(t, session, "ended");
    },
  ),
  publishes("TC_L_17", "Published", ["Downloading", "Downloaded", "ChecksumVerified", "Published"]),
  publishes("TC_L_19", "Invalid Checksum", ["Downloading", "Downloaded", "InvalidChecksum"]),
  publishes("TC_L_20", "PublishFailed", ["Downloading", "Downloaded", "ChecksumVerified", "PublishFailed"]),
  unpublishes("TC_L_21", "Unpublished", "Unpublished"),
  unpublishes("TC_L_22", "NoFirmware", "NoFirmware"),
  unpublishes("TC_L_23", "Download Ongoing", "DownloadOngoing"),
  publishes("TC_L_24", "Download failed", ["Downloading", "DownloadFailed"]),
];

const HASH = {
  ...{ hashAlgorithm: "SHA256", issuerNameHash: "a1".repeat(32), issuerKeyHash: "b2".repeat(32) },
  serialNumber: "2d19d15e8688",
};

const installs = (id: string, title: string, certificateType: string, status = "Accepted"): Case =>
  test(id, `Install CA certificate - ${title}`, async (t) => {
    await boot(t);
    const params = { certificateType, certificate: ROOT_CERTIFICATE };
    const outcome = status === "Accepted" ? "succeeded" : "rejected";
    const { payload } = await obeyed(t, "InstallCertificate", params, { answer: { status }, outcome });
    checkEqual("the InstallCertificate", payload, params);
  });

const chainOf = (certificateType: string): Fields => ({
  certificateType,
  certificateHashData: HASH,
  ...(certificateType === "V2GCertificateChain" ? { childCertificateHashData: [HASH] } : {}),
});

/** The operator asks which certificates of these kinds there are. @param found how many the station has */
const retrieves = (id: string, title: string, types: string[], found = types): Case =>
  test(id, `Retrieve certificates from Charging Station - ${title}`, async (t) => {
    await boot(t);
    const params = types.length === 0 ? {} : { certificateType: types };
    const certificateHashDataChain = found.map(chainOf);
    const { payload } = await obeyed(t, "GetInstalledCertificateIds", params, {
      answer: found.length === 0 ? { status: "NotFound" } : { status: "Accepted", certificateHashDataChain },
      outcome: found.length === 0 ? "rejected" : "succeeded",
    });
    checkEqual("the GetInstalledCertificateIds", payload, params);
  });

const deletes = (id: string, title: string, status: string): Case =>
  test(id, `Delete a certificate from a Charging Station - ${title}`, async (t) => {
    await boot(t);
    const params = { certificateHashData: HASH };
    const outcome = status === "Accepted" ? "succeeded" : "rejected";
    const { payload } = await obeyed(t, "DeleteCertificate", params, { answer: { status }, outcome });
    checkEqual("the DeleteCertificate", payload, params);
  });

/** A question that somebody behind the CSMS answers: his answer must come to the station as it is. */
const passedOn = (id: string, title: string, action: string, asked: Fields, answer: Fields): Case =>
  test(id, title, async (t) => {
    const { provider } = t.csms;
    if (provider === undefined) throw new NotApplicable("who knows certificates is the CSMS's own matter");
    provider.answer(t.station.id, ({ action: heard, payload }) => {
      checkEqual("the question", [heard, payload], [action, asked]);
      return { payload: answer };
    });
    await boot(t);
    checkEqual(`the answer to ${action}`, await t.station.call(action, asked), answer);
  });

const evCertificate = (id: string, title: string, action: string): Case =>
  passedOn(
    id,
    title,
    "Get15118EVCertificate",
    { iso15118SchemaVersion: "urn:iso:15118:2:2013:MsgDef", action, exiRequest: "ZXhpUmVxdWVzdA==" },
    { status: "Accepted", exiResponse: "ZXhpUmVzcG9uc2U=" },
  );

const [CSMS, MANUFACTURER] = ["CSMSRootCertificate", "ManufacturerRootCertificate"] as const;
const [V2G, CHAIN, MO] = ["V2GRootCertificate", "V2GCertificateChain", "MORootCertificate"] as const;

export const CERTIFICATES_201: readonly Case[] = [
  installs("TC_M_01", CSMS, CSMS),
  installs("TC_M_02", MANUFACTURER, MANUFACTURER),
  installs("TC_M_03", V2G, V2G),
  installs("TC_M_04", MO, MO),
  installs("TC_M_05", "Failed", CSMS, "Failed"),
  retrieves("TC_M_12", CSMS, [CSMS]),
  retrieves("TC_M_13", MANUFACTURER, [MANUFACTURER]),
  retrieves("TC_M_14", V2G, [V2G]),
  retrieves("TC_M_15", CHAIN, [CHAIN]),
  retrieves("TC_M_16", MO, [MO]),
  retrieves("TC_M_17", `${CSMS} & ${MANUFACTURER}`, [CSMS, MANUFACTURER]),
  retrieves("TC_M_18", "All certificateTypes", [], [V2G, MO, CSMS, CHAIN, MANUFACTURER]),
  retrieves("TC_M_19", "No matching certificate found", [CSMS], []),
  deletes("TC_M_20", "Success", "Accepted"),
  deletes("TC_M_21", "Failed", "Failed"),
  passedOn(
    "TC_M_24",
    "Get Charging Station Certificate status - Success",
    "GetCertificateStatus",
    { ocspRequestData: { ...HASH, responderURL: "http://127.0.0.1/ocsp" } },
    { status: "Accepted", ocspResult: "b2NzcFJlc3BvbnNl" },
  ),
  evCertificate("TC_M_26", "Certificate Installation EV - Success", "Install"),
  evCertificate("TC_M_28", "Certificate Update EV - Success", "Update"),
];
