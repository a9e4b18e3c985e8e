/** OCPP 1.6: Local Auth List Management; Firmware Management with diagnostics. */
import { boot, bootNotification, heard, statusNotification, timeAgo } from "./flow-16.ts";
import type { Fields } from "./frames.ts";
import { check, checkEqual, checkHas } from "./outcome.ts";
import { refusal, type Answer } from "./station.ts";
import { ordered, test, type Case, type Tools } from "./suite.ts";

const ACCEPTED = { status: "Accepted" };
const TOKEN_TYPE = "ISO14443";

/** The operator asks for the version of the station's list. */
function askVersion(t: Tools, status: "succeeded" | "failed", answer: Answer): Promise<Fields> {
  return ordered(t, status, "GetLocalListVersion", {}, { action: "GetLocalListVersion", answer });
}

type List = { versionNumber: number; updateType: "Full" | "Differential"; idTags: string[] };

/** The operator sends a list; the station says what it says. Checks what arrives. */
async function sendList(t: Tools, list: List, answer: Answer): Promise<void> {
  const { versionNumber, updateType, idTags } = list;
  const localAuthorizationList = idTags.map((idToken) => ({
    ...{ idToken: { idToken, type: TOKEN_TYPE }, idTokenInfo: { status: "Accepted" } },
  }));
  const refused = "errorCode" in answer;
  const payload = await ordered(
    t,
    refused ? "failed" : answer["status"] === "Accepted" ? "succeeded" : "rejected",
    "SendLocalList",
    { versionNumber, updateType, localAuthorizationList },
    { action: "SendLocalList", answer },
  );
  checkHas("the SendLocalList", payload, {
    ...{ listVersion: versionNumber, updateType },
    localAuthorizationList: idTags.map((idTag) => ({ idTag, idTagInfo: { status: "Accepted" } })),
  });
}

const full = (idTags: string[], versionNumber = 1): List => ({ versionNumber, updateType: "Full", idTags });

export const LOCAL_LIST_16: readonly Case[] = [
  test("TC_042_1_CSMS", "Get Local List Version - Not Supported", async (t) => {
    await boot(t);
    await askVersion(t, "failed", refusal("NotSupported"));
    await askVersion(t, "succeeded", { listVersion: -1 });
  }),

  test("TC_042_2_CSMS", "Get Local List Version - Empty", async (t) => {
    await boot(t);
    await askVersion(t, "succeeded", { listVersion: 0 });
  }),

  test("TC_043_1_CSMS", "Send Local Authorization List - NotSupported", async (t) => {
    const idTag = await t.token();
    await boot(t);
    await sendList(t, full([idTag]), { status: "NotSupported" });
    await sendList(t, full([idTag]), refusal("NotSupported"));
  }),

  test("TC_043_3_CSMS", "Send Local Authorization List - Failed", async (t) => {
    const idTag = await t.token();
    await boot(t);
    await sendList(t, full([idTag]), { status: "Failed" });
  }),

  test("TC_043_4_CSMS", "Send Local Authorization List - Full", async (t) => {
    const [one, other] = [await t.token(), await t.token()];
    await boot(t);
    await sendList(t, full([one, other]), ACCEPTED);
  }),

  test("TC_043_5_CSMS", "Send Local Authorization List - Differential", async (t) => {
    const [one, other] = [await t.token(), await t.token()];
    await boot(t);
    await sendList(t, full([one]), ACCEPTED);
    await askVersion(t, "succeeded", { listVersion: 1 });
    await sendList(t, { versionNumber: 2, updateType: "Differential", idTags: [other] }, ACCEPTED);
  }),
];

/** The operator orders new firmware; checks what arrives. */
async function updateFirmware(t: Tools): Promise<void> {
  const firmware = {
    ...{ location: "http://127.0.0.1/firmware.bin", retrieveDateTime: timeAgo() },
  };
  const expected = { action: "UpdateFirmware", answer: {} };
  const payload = await ordered(t, "succeeded", "UpdateFirmware", { requestId: 44, firmware }, expected);
  check(String(payload["location"]) !== "", "the UpdateFirmware has no location");
  check(!Number.isNaN(Date.parse(String(payload["retrieveDate"]))), "retrieveDate is no time");
}

async function notify(t: Tools, action: string, ...statuses: string[]): Promise<void> {
  for (const status of statuses) await t.station.call(action, { status });
}

/** The operator asks for diagnostics; checks what arrives. */
async function getDiagnostics(t: Tools): Promise<void> {
  const log = { remoteLocation: "http://127.0.0.1/diagnostics/", oldestTimestamp: timeAgo(3_600_000) };
  const payload = await ordered(
    t,
    "succeeded",
    "GetLog",
    { logType: "DiagnosticsLog", requestId: 45, log },
    { action: "GetDiagnostics", answer: { fileName: "diagnostics.zip" } },
  );
  check(String(payload["location"]) !== "", "the GetDiagnostics has no location");
  checkEqual("startTime", Date.parse(String(payload["startTime"])), Date.parse(log.oldestTimestamp));
}

const STATUS = "FirmwareStatusNotification";
const DIAGNOSTICS = "DiagnosticsStatusNotification";

export const FIRMWARE_16: readonly Case[] = [
  test("TC_044_1_CSMS", "Firmware Update - Download and Install", async (t) => {
    await boot(t);
    await updateFirmware(t);
    await notify(t, STATUS, "Downloading", "Downloaded");
    await statusNotification(t, 1, "Unavailable");
    await notify(t, STATUS, "Installing");
    await t.station.disconnect();
    await t.station.connect();
    await bootNotification(t, { firmwareVersion: "2.0" });
    for (const connector of [0, 1]) await statusNotification(t, connector, "Available");
    await notify(t, STATUS, "Installed");
    await heard(t, STATUS, '"Installed"');
    await t.until("the new firmware is shown", async () => {
      return (await t.api.station(t.station.id))?.firmwareVersion === "2.0";
    });
  }),

  test("TC_044_2_CSMS", "Firmware Update - Download Failed", async (t) => {
    await boot(t);
    await updateFirmware(t);
    await notify(t, STATUS, "Downloading", "DownloadFailed");
    await heard(t, STATUS, '"DownloadFailed"');
  }),

  test("TC_044_3_CSMS", "Firmware Update - Installation Failed", async (t) => {
    await boot(t);
    await updateFirmware(t);
    await notify(t, STATUS, "Downloading", "Downloaded");
    await statusNotification(t, 1, "Unavailable");
    await notify(t, STATUS, "Installing");
    await t.station.disconnect();
    await boot(t);
    await notify(t, STATUS, "InstallationFailed");
    await heard(t, STATUS, '"InstallationFailed"');
  }),

  test("TC_045_1_CSMS", "Get Diagnostics", async (t) => {
    await boot(t);
    await getDiagnostics(t);
    await notify(t, DIAGNOSTICS, "Uploading", "Uploaded");
    await heard(t, DIAGNOSTICS, '"Uploaded"');
  }),

  test("TC_045_2_CSMS", "Get Diagnostics - Upload Failed", async (t) => {
    await boot(t);
    await getDiagnostics(t);
    await notify(t, DIAGNOSTICS, "Uploading", "UploadFailed");
    await heard(t, DIAGNOSTICS, '"UploadFailed"');
  }),
];
