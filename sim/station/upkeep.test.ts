/** Everything besides charging: reservations, reports, logs, firmware, profiles in time. Both versions. */
import { describe, expect, test } from "vitest";
import { nextRandom, seedRandom } from "../../shared/ids.ts";
import type { Car } from "./car.ts";
import { accepted, virtualWorld, type Script } from "./harness.ts";
import { createStation } from "./station.ts";
import type { EvseOptions, Json, OcppVersion, StationOptions } from "./types.ts";
import type { FilePort } from "./upkeep.ts";

const CAR: Car = { batteryWh: 58_000, socPercent: 40, maxAcW: 11_000, phases: 3, maxDcW: 120_000, seed: 1 };
const AC: EvseOptions = { connectors: 1, maxPowerW: 22_000, phases: 3, kind: "AC" };
const SECOND = 1_000;
const VERSIONS = ["1.6", "2.0.1", "2.1"] as const;

/** Of nobody: made for these tests, with the signature of the first firmware below. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBfDCCASOgAwIBAgIUVTqwRllxjeWeLb6vJCsSlq3+m5MwCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIRmlybXdhcmUwIBcNMjYxMTIzMDA0MjA2WhgPMjEyNjEwMzAw
MDQyMDZaMBMxETAPBgNVBAMMCEZpcm13YXJlMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAENOOdk6hKyrrOheaHRIxFVy2HzS3KMePmlY2pADG55cCFiZSLqOoNwBKF
2kI9+xufPdmPM+kDpxFSgilT7RAHWKNTMFEwHQYDVR0OBBYEFB/nlBRUPGDauRyN
gRutMyOgnJjYMB8GA1UdIwQYMBaAFB/nlBRUPGDauRyNgRutMyOgnJjYMA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgf2zjRieIaFAA58vYffYK5bsM
PHnZ56UBwH5VWUsvW58CICHPvMgDfgVc5xCZzYZppEA3CPdVs2gpCdSe4twH0eox
-----END CERTIFICATE-----`;
const SIGNATURE =
  "MEQCIFph8NQLU3HY8cPe9lgpcBc3Hft7VFvKvZWnC46pgENWAiBfoAgDaLuVf+PXYXn9DvRkqDVxxRON1Ygw6fVGfrAzvg==";

/** Files on the other side of a wire that takes a tenth of a second. */
function slowFiles(clock: { setTimer: (ms: number, fn: () => void) => unknown }) {
  const uploads: { location: string; name: string; text: string }[] = [];
  const downloads: string[] = [];
  const state = { failures: 0, firmware: new TextEncoder().encode("2.4.1\nrest") as Uint8Array };
  const fails = () => (state.failures += -1) >= 0;
  const port: FilePort = {
    upload(file, done) {
      clock.setTimer(100, () => {
        if (fails()) return done("HTTP 503");
        uploads.push(file);
        done();
      });
    },
    download(location, done) {
      downloads.push(location);
      clock.setTimer(100, () => done(fails() ? { failure: "HTTP 404" } : state.firmware));
    },
  };
  return { port, uploads, downloads, state };
}

function world(
  version: OcppVersion,
  more: Partial<StationOptions> & { script?: Script } = {},
  withFiles = true,
) {
  const { script, ...options } = more;
  const virtual = virtualWorld(version, script);
  const files = slowFiles(virtual.clock);
  const state = seedRandom([1]);
  const station = createStation({
    id: "CP1",
    version,
    evses: [AC, AC],
    clock: virtual.clock,
    random: () => nextRandom(state),
    transportFactory: virtual.transportFactory,
    ...(withFiles ? { files: files.port } : {}),
    ...options,
  });
  virtual.clock.advance(SECOND);
  const old = version === "1.6";
  const iso = (inMs: number) => new Date(virtual.clock.now() + inMs).toISOString();
  const token = (idToken: string) => ({ idToken, type: "ISO14443" });
  return {
    ...virtual,
    station,
    files,
    iso,
    stateOf: (evse: number) => station.state().evses[evse - 1]?.connectors[0]?.state,
    reserve(id: number, evseId: number, idToken: string, more: { group?: string; forMs?: number } = {}) {
      const { group, forMs = 60 * SECOND } = more;
      const payload = old
        ? { reservationId: id, connectorId: evseId, idTag: idToken, expiryDate: iso(forMs) }
        : { id, idToken: token(idToken), expiryDateTime: iso(forMs), ...(evseId ? { evseId } : {}) };
      const grouped = group && (old ? { parentIdTag: group } : { groupIdToken: token(group) });
      return virtual.ask("ReserveNow", { ...payload, ...grouped }).then((answer) => answer["status"]);
    },
    /** Whether a card starts a charge at a connector with a car. */
    starts(evseId: number, idToken: string): boolean {
      if (!(station.state().evses[evseId - 1]?.plugged ?? false)) station.plugIn(evseId, CAR);
      station.presentToken(evseId, token(idToken));
      virtual.clock.advance(SECOND);
      return station.state().evses[evseId - 1]?.transaction !== undefined;
    },
    /** The statuses said in messages of this name. */
    statuses: (...actions: string[]) =>
      virtual.brain.said
        .filter(({ action }) => actions.includes(action))
        .map(({ payload }) => payload["status"]),
    startOf: () =>
      virtual.brain.said.find(
        ({ action, payload }) => action === "StartTransaction" || payload["eventType"] === "Started",
      )?.payload,
  };
}

describe.each(VERSIONS)("OCPP %s reservations", (version) => {
  test("keep an EVSE for their token, which uses them up; nobody else starts there", async () => {
    const w = world(version);
    expect(await w.reserve(7, 1, "ANA")).toBe("Accepted");
    expect([w.stateOf(1), w.stateOf(2)]).toEqual(["Reserved", "Available"]);
    const status = w.brain.of("StatusNotification").at(-1)?.payload;
    expect(status?.["status"] ?? status?.["connectorStatus"]).toBe("Reserved");
    expect(await w.reserve(8, 1, "BRUNO")).toBe("Occupied");
    expect(w.starts(1, "BRUNO")).toBe(false);
    const start = version === "1.6" ? "RemoteStartTransaction" : "RequestStartTransaction";
    const remote =
      version === "1.6"
        ? { idTag: "BRUNO", connectorId: 1 }
        : { idToken: { idToken: "BRUNO", type: "Central" }, remoteStartId: 1, evseId: 1 };
    expect(await w.ask(start, remote)).toEqual({ status: "Rejected" });
    expect(w.starts(1, "ana")).toBe(true);
    expect(w.startOf()).toMatchObject({ reservationId: 7 });
    expect(await w.ask("CancelReservation", { reservationId: 7 })).toEqual({ status: "Rejected" });
    expect(w.brain.faults).toEqual([]);
  });

  test("end by themselves, and by cancelling; the same id replaces", async () => {
    const w = world(version);
    await w.reserve(7, 1, "ANA");
    w.clock.advance(61 * SECOND);
    expect(w.stateOf(1)).toBe("Available");
    const told = w.brain.of("ReservationStatusUpdate").map(({ payload }) => payload);
    const expired = { reservationId: 7, reservationUpdateStatus: "Expired" };
    expect(told).toEqual(version === "1.6" ? [] : [expired]);
    expect(await w.reserve(9, 1, "ANA", { forMs: -SECOND })).toBe("Rejected");
    await w.reserve(8, 1, "ANA");
    expect(await w.reserve(8, 2, "ANA")).toBe("Accepted");
    expect([w.stateOf(1), w.stateOf(2)]).toEqual(["Available", "Reserved"]);
    expect(await w.ask("CancelReservation", { reservationId: 8 })).toEqual({ status: "Accepted" });
    expect(w.stateOf(2)).toBe("Available");
    w.clock.advance(120 * SECOND);
    expect(w.brain.of("ReservationStatusUpdate")).toHaveLength(told.length);
    expect(w.brain.faults).toEqual([]);
  });

  test("are refused with the reason; one of a place that breaks is removed", async () => {
    const w = world(version);
    w.station.plugIn(1, CAR);
    expect(await w.reserve(1, 1, "ANA")).toBe("Occupied");
    expect(await w.reserve(1, 2, "ANA")).toBe("Accepted");
    w.station.fault(2, "GroundFailure");
    w.clock.advance(SECOND);
    expect(w.brain.of("ReservationStatusUpdate")).toHaveLength(version === "1.6" ? 0 : 1);
    expect(await w.reserve(2, 2, "ANA")).toBe("Faulted");
    w.station.fault(2, undefined);
    expect(w.stateOf(2)).toBe("Available");
    expect(await w.reserve(3, 9, "ANA")).toBe("Rejected");
  });

  test("of any place hold the last free one; a group shares what one of it has reserved", async () => {
    const info =
      version === "1.6" ? { parentIdTag: "FIRM" } : { groupIdToken: { idToken: "FIRM", type: "Central" } };
    const answer = { [version === "1.6" ? "idTagInfo" : "idTokenInfo"]: { ...accepted, ...info } };
    const w = world(version, {
      script: { Authorize: (p) => (JSON.stringify(p).includes("COLLEAGUE") ? answer : plain(version)) },
    });
    expect(await w.reserve(1, 0, "ANA", { group: "FIRM" })).toBe("Accepted");
    expect([w.stateOf(1), w.stateOf(2)]).toEqual(["Available", "Available"]);
    expect(w.starts(1, "BRUNO")).toBe(true);
    expect(w.stateOf(2)).toBe("Reserved");
    expect(await w.reserve(2, 0, "CLARA")).toBe("Occupied");
    expect(w.starts(2, "CLARA")).toBe(false);
    expect(w.starts(2, "COLLEAGUE")).toBe(true);
    expect(w.brain.faults).toEqual([]);
  });
});

const plain = (version: OcppVersion): Json =>
  version === "1.6" ? { idTagInfo: accepted } : { idTokenInfo: accepted };

describe.each(["2.0.1", "2.1"] as const)("OCPP %s reports", (version) => {
  test("the whole inventory comes in numbered parts, what can be set in fewer, nothing in none", async () => {
    const w = world(version);
    const report = async (action: string, payload: Json) => {
      const before = w.brain.of("NotifyReport").length;
      const { status } = await w.ask(action, { requestId: 5, ...payload });
      w.clock.advance(SECOND);
      return {
        status,
        parts: w.brain
          .of("NotifyReport")
          .slice(before)
          .map((each) => each.payload),
      };
    };
    const { status, parts } = await report("GetBaseReport", { reportBase: "FullInventory" });
    expect(status).toBe("Accepted");
    expect(parts.map(({ seqNo, requestId }) => [seqNo, requestId])).toEqual(parts.map((_, i) => [i, 5]));
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.map(({ tbc }) => tbc)).toEqual(parts.map((_, index) => index < parts.length - 1));
    const names = parts.flatMap(({ reportData }) =>
      (reportData as Json[]).map(({ variable }) => variable as Json),
    );
    expect(names).toContainEqual({ name: "HeartbeatInterval" });
    expect(names.filter(({ name }) => name === "ConnectorType")).toHaveLength(2);
    // A password is never told.
    expect(JSON.stringify(parts)).not.toMatch(/"name":"BasicAuthPassword"[^\]]*"value"/);
    const settable = await report("GetBaseReport", { reportBase: "ConfigurationInventory" });
    expect(settable.parts.length).toBeLessThan(parts.length);
    const entries = { component: { name: "LocalAuthListCtrlr" }, variable: { name: "Entries" } };
    const one = await report("GetReport", { componentVariable: [entries] });
    expect(one.parts).toMatchObject([{ reportData: [{ variableCharacteristics: { maxLimit: 100 } }] }]);
    const none = { component: { name: "Toaster" } };
    expect(await report("GetReport", { componentVariable: [none] })).toEqual({
      status: "EmptyResultSet",
      parts: [],
    });
    expect(w.brain.faults).toEqual([]);
  });

  test("display messages, monitors, profiles and customers are kept, told and cleared", async () => {
    const w = world(version);
    const message = { id: 3, priority: "InFront", message: { format: "UTF8", content: "Welcome" } };
    expect(await w.ask("SetDisplayMessage", { message })).toEqual({ status: "Accepted" });
    expect(await w.ask("SetDisplayMessage", { message: { ...message, transactionId: "gone" } })).toEqual({
      status: "UnknownTransaction",
    });
    expect(await w.ask("GetDisplayMessages", { requestId: 1, id: [3] })).toEqual({ status: "Accepted" });
    expect(w.brain.of("NotifyDisplayMessages")[0]?.payload).toMatchObject({ messageInfo: [message] });
    expect(await w.ask("ClearDisplayMessage", { id: 3 })).toEqual({ status: "Accepted" });
    expect(await w.ask("GetDisplayMessages", { requestId: 2 })).toEqual({ status: "Unknown" });

    const at = (name: string) => ({ component: { name: "EVSE" }, variable: { name } });
    const monitor = { value: 50, type: "UpperThreshold", severity: 5 };
    const { setMonitoringResult } = (await w.ask("SetVariableMonitoring", {
      setMonitoringData: [
        { ...monitor, ...at("Power") },
        { ...monitor, ...at("Nonsense") },
      ],
    })) as { setMonitoringResult: Json[] };
    expect(setMonitoringResult.map(({ status }) => status)).toEqual(["Accepted", "UnknownVariable"]);
    expect(await w.ask("GetMonitoringReport", { requestId: 3 })).toEqual({ status: "Accepted" });
    expect(w.brain.of("NotifyMonitoringReport")).toHaveLength(1);
    expect(await w.ask("ClearVariableMonitoring", { id: [1, 2] })).toMatchObject({
      clearMonitoringResult: [{ status: "Accepted" }, { status: "NotFound" }],
    });
    const nobody = { requestId: 4, report: true, clear: false, customerIdentifier: "X" };
    expect(await w.ask("CustomerInformation", nobody)).toEqual({ status: "Accepted" });
    expect(w.brain.of("NotifyCustomerInformation")).toHaveLength(1);
    const none = { requestId: 5, chargingProfile: {} };
    expect(await w.ask("GetChargingProfiles", none)).toEqual({ status: "NoProfiles" });
    expect(await w.ask("GetTransactionStatus", {})).toEqual({ messagesInQueue: false });
    expect(await w.ask("GetTransactionStatus", { transactionId: "no such" })).toEqual({
      ongoingIndicator: false,
      messagesInQueue: false,
    });
    expect(w.brain.faults).toEqual([]);
  });
});

describe.each(VERSIONS)("OCPP %s files", (version) => {
  const old = version === "1.6";
  const askLog = (w: ReturnType<typeof world>, requestId: number) =>
    old
      ? w.ask("GetDiagnostics", { location: "http://box/up/", retries: 1, retryInterval: 5 })
      : w.ask("GetLog", {
          ...{ logType: "DiagnosticsLog", requestId, retries: 1, retryInterval: 5 },
          log: { remoteLocation: "http://box/up/" },
        });
  const logStatuses = (w: ReturnType<typeof world>) =>
    w.statuses("LogStatusNotification", "DiagnosticsStatusNotification");

  test("a log is uploaded, again when that fails, and tells what happened", async () => {
    const w = world(version);
    w.files.state.failures = 1;
    const answer = await askLog(w, 4);
    w.clock.advance(10 * SECOND);
    const name = "CP1-diagnostics-20260115T080001.log";
    expect(answer).toEqual(old ? { fileName: name } : { status: "Accepted", filename: name });
    expect(logStatuses(w)).toEqual(["Uploading", "Uploading", "Uploaded"]);
    expect(w.files.uploads).toMatchObject([{ location: "http://box/up/", name }]);
    expect(w.files.uploads[0]?.text).toContain("2026-01-15T08:00:00.060Z booted");
    w.files.state.failures = 2;
    await askLog(w, 5);
    w.clock.advance(10 * SECOND);
    expect(logStatuses(w).at(-1)).toBe(old ? "UploadFailed" : "UploadFailure");
    expect(w.brain.faults).toEqual([]);
  });

  const update = (w: ReturnType<typeof world>, inMs = 0) =>
    old
      ? w.ask("UpdateFirmware", { location: "http://box/fw/box-3.0.bin", retrieveDate: w.iso(inMs) })
      : w.ask("UpdateFirmware", {
          requestId: 9,
          firmware: { location: "http://box/fw/box-3.0.bin", retrieveDateTime: w.iso(inMs) },
        });
  const bootedWith = (w: ReturnType<typeof world>) => {
    const { payload } = w.brain.of("BootNotification").at(-1) ?? {};
    return { ...payload, ...(payload?.["chargingStation"] as Json | undefined) }["firmwareVersion"];
  };

  test("firmware is fetched at its time, waits for the charge to end, and is what boots", async () => {
    const w = world(version);
    expect(w.starts(1, "ANA")).toBe(true);
    expect(await update(w, 30 * SECOND)).toEqual(old ? {} : { status: "Accepted" });
    expect(w.files.downloads).toEqual([]);
    w.clock.advance(60 * SECOND);
    expect(w.files.downloads).toEqual(["http://box/fw/box-3.0.bin"]);
    expect(w.net.opened).toBe(1);
    w.station.unplug(1);
    w.clock.advance(20 * SECOND);
    expect(w.net.opened).toBe(2);
    expect(bootedWith(w)).toBe("2.4.1");
    const planned = ["DownloadScheduled", "Downloading", "Downloaded", "InstallScheduled", "Installing"];
    const told = w.statuses("FirmwareStatusNotification");
    expect(told).toEqual(
      old
        ? ["Downloading", "Downloaded", "Installing", "Installed"]
        : [...planned, "InstallRebooting", "Installed"],
    );
    w.files.state.firmware = new Uint8Array([0, 255, 10]);
    await update(w);
    w.clock.advance(20 * SECOND);
    expect(bootedWith(w)).toBe("box-3.0");
    expect(w.brain.faults).toEqual([]);
  });

  test("a download that fails leaves the firmware as it is; without a way to files it is refused", async () => {
    const w = world(version);
    w.files.state.failures = 1;
    await update(w);
    w.clock.advance(20 * SECOND);
    expect(w.statuses("FirmwareStatusNotification")).toEqual(["Downloading", "DownloadFailed"]);
    expect([w.net.opened, bootedWith(w)]).toEqual([1, "1.0.0"]);
    const without = world(version, {}, false);
    expect(await update(without)).toEqual(old ? {} : { status: "Rejected" });
    expect(await askLog(without, 1)).toEqual(old ? {} : { status: "Rejected" });
    without.clock.advance(SECOND);
    expect(without.statuses("FirmwareStatusNotification")).toEqual(old ? ["DownloadFailed"] : []);
    expect(logStatuses(without)).toEqual(old ? ["UploadFailed"] : []);
    expect([...w.brain.faults, ...without.brain.faults]).toEqual([]);
  });

  test("both can be asked how they stand", async () => {
    const w = world(version);
    const log = old ? "DiagnosticsStatusNotification" : "LogStatusNotification";
    for (const requestedMessage of ["FirmwareStatusNotification", log]) {
      expect(await w.ask("TriggerMessage", { requestedMessage })).toEqual({ status: "Accepted" });
      expect(w.statuses(requestedMessage)).toEqual(["Idle"]);
    }
    await update(w);
    await w.ask("TriggerMessage", { requestedMessage: "FirmwareStatusNotification" });
    expect(w.statuses("FirmwareStatusNotification").at(-1)).toBe("Installing");
    expect(w.brain.faults).toEqual([]);
  });
});

test("1.6 security extension: logs have ids; for firmware a certificate that is none is refused", async () => {
  const w = world("1.6");
  const log = { remoteLocation: "http://box/up/" };
  const asked = await w.ask("GetLog", { log, logType: "SecurityLog", requestId: 3 });
  expect(asked).toMatchObject({ status: "Accepted", filename: "CP1-security-20260115T080001.log" });
  expect(w.brain.of("LogStatusNotification").at(-1)?.payload).toEqual({ status: "Uploaded", requestId: 3 });
  const firmware = { location: "http://box/fw.bin", retrieveDateTime: w.iso(0), signature: SIGNATURE };
  const request = { requestId: 4, firmware: { ...firmware, signingCertificate: "no certificate" } };
  expect(await w.ask("SignedUpdateFirmware", request)).toEqual({ status: "InvalidCertificate" });
  expect(w.files.downloads).toEqual([]);
  expect(w.brain.faults).toEqual([]);
});

test.each(VERSIONS)("%s: firmware is installed under its right signature only", async (version) => {
  const w = world(version);
  const firmware = { location: "http://box/fw.bin", signingCertificate: CERTIFICATE, signature: SIGNATURE };
  const action = version === "1.6" ? "SignedUpdateFirmware" : "UpdateFirmware";
  const told = version === "1.6" ? "SignedFirmwareStatusNotification" : "FirmwareStatusNotification";
  const ask = async (requestId: number) => {
    const request = { requestId, firmware: { ...firmware, retrieveDateTime: w.iso(0) } };
    expect(await w.ask(action, request)).toEqual({ status: "Accepted" });
    w.clock.advance(20 * SECOND);
    return w.brain
      .of(told)
      .filter(({ payload }) => payload["requestId"] === requestId)
      .map(({ payload }) => payload["status"]);
  };
  expect(await ask(1)).toEqual([
    "Downloading",
    "Downloaded",
    "SignatureVerified",
    "Installing",
    "InstallRebooting",
    "Installed",
  ]);
  w.files.state.firmware = new TextEncoder().encode("2.4.2\nrest");
  expect(await ask(2)).toEqual(["Downloading", "Downloaded", "InvalidSignature"]);
  expect(w.brain.faults).toEqual([]);
});

describe.each(VERSIONS)("OCPP %s profiles", (version) => {
  const old = version === "1.6";
  type Fields = { id: number; purpose: string; kind?: string; periods: [number, number][]; more?: Json };
  const wire = ({ id, purpose, kind = "Absolute", periods, more = {} }: Fields) => {
    const schedule = {
      chargingRateUnit: "A",
      chargingSchedulePeriod: periods.map(([startPeriod, limit]) => ({ startPeriod, limit })),
    };
    const common = { stackLevel: 1, chargingProfilePurpose: purpose, chargingProfileKind: kind, ...more };
    return old
      ? { chargingProfileId: id, ...common, chargingSchedule: schedule }
      : { id, ...common, chargingSchedule: [{ id, ...schedule }] };
  };
  const set = (w: ReturnType<typeof world>, evseId: number, fields: Fields) =>
    w
      .ask(
        "SetChargingProfile",
        old
          ? { connectorId: evseId, csChargingProfiles: wire(fields) }
          : { evseId, chargingProfile: wire(fields) },
      )
      .then((answer) => answer["status"]);
  const powerAfter = (w: ReturnType<typeof world>, ms: number) => {
    w.clock.advance(ms);
    return w.station.state().evses[0]?.powerW ?? 0;
  };

  test("follow their timetable, and the composite schedule says so beforehand", async () => {
    const w = world(version);
    expect(w.starts(1, "ANA")).toBe(true);
    const periods: [number, number][] = [
      [0, 10],
      [60, 6],
      [120, 0],
    ];
    expect(await set(w, 1, { id: 1, purpose: "TxDefaultProfile", periods })).toBe("Accepted");
    const answer = await w.ask("GetCompositeSchedule", {
      ...(old ? { connectorId: 1 } : { evseId: 1 }),
      duration: 100,
    });
    const schedule = (answer["schedule"] ?? answer["chargingSchedule"]) as Json;
    expect(schedule["chargingSchedulePeriod"]).toEqual([
      { startPeriod: 0, limit: 10 },
      { startPeriod: 60, limit: 6 },
    ]);
    expect(powerAfter(w, 30 * SECOND)).toBeCloseTo(3 * 230 * 10, -2);
    expect(powerAfter(w, 60 * SECOND)).toBeCloseTo(3 * 230 * 6, -2);
    expect(powerAfter(w, 60 * SECOND)).toBe(0);
    expect(w.stateOf(1)).toBe("SuspendedEVSE");
    expect(w.brain.faults).toEqual([]);
  });

  test("of the station are shared; of a remote start hold for that transaction only", async () => {
    const w = world(version);
    const station = old ? "ChargePointMaxProfile" : "ChargingStationMaxProfile";
    expect(await set(w, 1, { id: 5, purpose: station, periods: [[0, 20]] })).toBe("Rejected");
    expect(await set(w, 0, { id: 5, purpose: station, periods: [[0, 20]] })).toBe("Accepted");
    w.station.plugIn(1, CAR);
    const profile = wire({ id: 6, purpose: "TxProfile", kind: "Relative", periods: [[0, 8]] });
    await (old
      ? w.ask("RemoteStartTransaction", { idTag: "ANA", connectorId: 1, chargingProfile: profile })
      : w.ask("RequestStartTransaction", {
          ...{ idToken: { idToken: "ANA", type: "Central" }, remoteStartId: 1, evseId: 1 },
          chargingProfile: profile,
        }));
    expect(powerAfter(w, 30 * SECOND)).toBeCloseTo(3 * 230 * 8, -2);
    w.station.unplug(1);
    expect(w.starts(1, "ANA")).toBe(true);
    expect(powerAfter(w, 30 * SECOND)).toBeCloseTo(3 * 230 * 10, -2);
    expect(w.brain.faults).toEqual([]);
  });
});
