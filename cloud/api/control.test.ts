/**
 * Stations under control, end to end in the SG: API, tables, the policy for the ER, and what its journal
 * says back.
 */
import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { EntryBody, Protocol } from "../../shared/entry.ts";
import { callText, resultText } from "../../shared/ocpp/frame.ts";
import { STATION_PASSWORDS_MAX } from "../../shared/limits.ts";
import { passwordMark, verifyPassword } from "../../shared/password.ts";
import type { PolicyStation } from "../../shared/policy.ts";
import {
  handled,
  introduce,
  Journal,
  online,
  start16,
  stop16,
  storeAll,
  type TestApi,
  type TestDb,
} from "../harness.ts";
import { readOk, useSite } from "../harness-site.ts";
import { ensureOperator } from "../sg.ts";
import { expireCommands, takeDueCommands } from "../ingest/dispatch.ts";
import { readPolicy } from "../ingest/policy.ts";
import { createApiKey } from "./actor.ts";
import type {
  ChargingProfile,
  LocalList,
  ReportedChargingProfile,
  Reservation,
  StationPassword,
} from "./control-schemas.ts";
import type { CommandView, Page, Station } from "./schemas.ts";

let api: TestApi;
let db: TestDb;
let journal: Journal;
let cp: string;
let path: string;
useSite((site) => {
  ({ api, db, journal, cp } = site);
  path = `/v1/stations/${cp}`;
});

type Method = "POST" | "PUT" | "PATCH" | "DELETE";
async function send<T>(method: Method, url: string, body: unknown, status: number): Promise<T> {
  const reply = await api.send(method, url, body);
  expect(reply.status, reply.text).toBe(status);
  return reply.body as T;
}
const problem = async (method: Method, url: string, body: unknown, status: number) =>
  (await send<{ code: string }>(method, url, body, status)).code;

/** The ER's journal goes on. */
async function tell(...bodies: EntryBody[]): Promise<void> {
  journal.commit(bodies);
  await storeAll(db.pool, journal);
}
const boot = (status = "Accepted", protocol: Protocol = "ocpp1.6") =>
  handled(
    cp,
    protocol,
    "BootNotification",
    protocol === "ocpp1.6"
      ? { chargePointVendor: "V", chargePointModel: "M" }
      : { reason: "PowerUp", chargingStation: { vendorName: "V", model: "M" } },
    { status, currentTime: "2026-05-04T12:00:00Z", interval: 60 },
  );
const finished = (commandId: string, status: string, more: object = {}): EntryBody =>
  ({ kind: "command.finished", commandId, stationId: cp, status, ...more }) as EntryBody;

async function inPolicy(): Promise<PolicyStation | undefined> {
  const policy = await readPolicy(db.pool, journal.siteId);
  return policy?.stations?.find(({ stationId }) => stationId === cp);
}
const versionOf = async () => (await readPolicy(db.pool, journal.siteId))?.version ?? 0;
const audited = (action: string) =>
  db.rows<{ detail: unknown }>("select detail from audit where action = $1 and subject = $2", action, cp);
const due = async () => [...((await takeDueCommands(db.pool, journal.erId)).get(journal.erId) ?? [])];

describe("registration", () => {
  test("a station that never connected is prepared, and is held when it comes", async () => {
    await introduce(db.pool, new Journal(`er2-${cp}`, `site2-${cp}`));
    expect(await problem("PUT", `${path}/registration`, { status: "Pending" }, 400)).toBe("SITE_REQUIRED");
    const before = await versionOf();
    const wanted = { status: "Pending", retryIntervalS: 20, siteId: journal.siteId };
    const station = await send<Station>("PUT", `${path}/registration`, wanted, 200);
    expect(station).toMatchObject({
      identity: cp,
      registration: "Pending",
      registrationTold: null,
      online: false,
    });
    expect(await inPolicy()).toEqual({ stationId: cp, registration: "Pending", retryIntervalS: 20 });
    expect(await versionOf()).toBeGreaterThan(before);
    await tell(online(cp), boot("Pending"));
    expect(await readOk<Station>(api, path)).toMatchObject({ registrationTold: "Pending", online: true });
    await send("PUT", `${path}/registration`, { status: "Accepted" }, 200);
    expect(await inPolicy()).toBeUndefined();
    await tell(boot());
    expect(await readOk<Station>(api, path)).toMatchObject({
      registration: "Accepted",
      registrationTold: "Accepted",
    });
    expect(await audited("station.registration")).toHaveLength(2);
  });

  test("no station gets a name that it could not have", async () => {
    for (const name of ["a%2Fb", "a%3Fb", "x".repeat(65), "a%01"]) {
      const url = `/v1/stations/${name}`;
      expect(await problem("PUT", `${url}/registration`, { status: "Pending" }, 400)).toMatch(/INVALID/);
      expect(await problem("PUT", `${url}/password`, { password: "secret" }, 400)).toMatch(/INVALID/);
    }
  });

  test("of an operator with one site a new station is there; of no other operator it is any", async () => {
    await ensureOperator(db.pool, `solo-${cp}`);
    const authorization = `Bearer ${await createApiKey(db.pool, `solo-${cp}`, "key")}`;
    await introduce(db.pool, new Journal(`er3-${cp}`, `site3-${cp}`), `solo-${cp}`);
    const reply = await api.send("PUT", `${path}/registration`, { status: "Rejected" }, { authorization });
    expect(reply.body).toMatchObject({ siteId: `site3-${cp}`, stationId: cp });
    for (const url of [path, `${path}/password`, `${path}/local-list`, `${path}/charging-profiles/7`])
      expect((await api.get(url)).status, url).toBe(404);
    expect(await problem("PUT", `${path}/password`, { password: "x", tellStation: true }, 404)).toBe(
      "NOT_FOUND",
    );
  });

  test("a station is registered once, at a site that is there", async () => {
    const body = { siteId: journal.siteId, identity: cp, registration: "Rejected" };
    const made = await send<Station>("POST", "/v1/stations", body, 201);
    expect(made).toMatchObject({ stationId: cp, siteId: journal.siteId, registration: "Rejected" });
    expect(await problem("POST", "/v1/stations", body, 409)).toBe("STATION_EXISTS");
    expect(await problem("POST", "/v1/stations", { ...body, siteId: "nowhere" }, 404)).toBe("NOT_FOUND");
    expect(await problem("POST", "/v1/stations", { ...body, identity: "a/b" }, 400)).toBe("INVALID_REQUEST");
    await tell(online(cp));
    const { items } = await readOk<Page<Station>>(api, `/v1/stations?siteId=${journal.siteId}`);
    expect(items.map(({ stationId }) => stationId)).toEqual([cp]);
  });
});

describe("a password", () => {
  const set = (password: string, tellStation?: boolean) =>
    send<StationPassword>("PUT", `${path}/password`, { password, tellStation }, 200);
  const read = () => readOk<StationPassword>(api, `${path}/password`);
  const hashes = async () => (await inPolicy())?.passwordHashes ?? [];
  /** The ER has the newest policy. */
  const upToDate = async () => tell({ kind: "policy.applied", version: await versionOf() });
  const shows = (hash: string | undefined): EntryBody =>
    ({ ...online(cp), passwordMark: passwordMark(hash ?? "") }) as EntryBody;

  test("counts at once when the station is not told; nowhere is it kept as it is", async () => {
    await tell(online(cp));
    expect(await read()).toMatchObject({ state: "configured", setAt: null });
    expect(await set("first-of-all-1234")).toMatchObject({ state: "set", commandId: null });
    const [hash] = await hashes();
    expect(await verifyPassword(hash ?? "", Buffer.from("first-of-all-1234"))).toBe(true);
    await set("second-of-all-12");
    expect(await hashes()).toHaveLength(1);
    expect((await hashes())[0]).not.toBe(hash);
    const kept = await db.rows(
      "select detail::text from audit union all select response::text from idempotency",
    );
    expect(JSON.stringify(kept)).not.toContain("of-all");
    expect(await audited("station.password")).toMatchObject([{ detail: { tellStation: false } }, {}]);
    await send("DELETE", `${path}/password`, undefined, 200);
    expect(await inPolicy()).toBeUndefined();
  });

  test("that the station is told counts beside the old one until it is shown", async () => {
    await tell(online(cp), boot());
    const told = await set("new-password-123", true);
    expect(told).toMatchObject({ state: "changing", commandId: expect.any(String) });
    expect(await inPolicy()).toMatchObject({
      configuredPassword: true,
      passwordHashes: [expect.any(String)],
    });
    // Not before its ER can check it.
    expect(await due()).toEqual([]);
    await upToDate();
    const [command] = await due();
    const hex = Buffer.from("new-password-123").toString("hex");
    expect(command).toMatchObject({
      kind: "ChangeConfiguration",
      params: { key: "AuthorizationKey", value: hex },
    });
    const view = await readOk<CommandView>(api, `/v1/commands/${told.commandId}`);
    expect(JSON.stringify(view)).not.toContain(hex);
    await tell(finished(told.commandId ?? "", "succeeded"));
    const kept = await db.rows("select * from command where command_id = $1", told.commandId);
    expect(JSON.stringify(kept)).not.toContain(hex);
    expect(await read()).toMatchObject({ state: "changing" });
    const before = await versionOf();
    await tell(shows((await hashes())[0]));
    expect(await read()).toMatchObject({ state: "set" });
    expect(await inPolicy()).not.toHaveProperty("configuredPassword");
    expect(await versionOf()).toBeGreaterThan(before);
    // The next one: both count, and the old one is gone once the new one is shown.
    await set("third-password-1", true);
    const [current, next] = await hashes();
    await tell(shows(current));
    expect(await hashes()).toEqual([current, next]);
    const unchanged = await versionOf();
    await tell(shows(current));
    expect(await versionOf()).toBe(unchanged);
    await tell(shows(next));
    expect(await hashes()).toEqual([next]);
  });

  test("that the station refuses is withdrawn; without an answer it goes on counting", async () => {
    await tell(online(cp, "ocpp2.0.1"), boot("Accepted", "ocpp2.0.1"));
    const refused = await set("new-password-123", true);
    await upToDate();
    expect(await due()).toMatchObject([
      {
        kind: "SetVariables",
        params: {
          setVariableData: [
            {
              component: { name: "SecurityCtrlr" },
              variable: { name: "BasicAuthPassword" },
              attributeValue: "new-password-123",
            },
          ],
        },
      },
    ]);
    await tell(finished(refused.commandId ?? "", "rejected", { reason: "the station said Rejected" }));
    expect(await inPolicy()).toBeUndefined();
    const expired = await set("new-password-456", true);
    await tell(finished(expired.commandId ?? "", "expired"));
    expect(await hashes()).toHaveLength(1);
  });

  test("that was shown before another one counts, however the journal is cut", async () => {
    await tell(online(cp));
    await set("first-of-all-1234");
    const [old] = await hashes();
    await set("new-password-123", true);
    const next = (await hashes()).find((hash) => hash !== old);
    await tell(shows(next), shows(old));
    expect(await read()).toMatchObject({ state: "set" });
    expect(await hashes()).toEqual([next]);
  });

  test("that no ER could tell the station in time is withdrawn", async () => {
    await tell(online(cp));
    const told = await set("new-password-123", true);
    // Its ER never took the policy: the command was never sent.
    await db.pool.query("update command set expires_at = now() - interval '1 minute' where command_id = $1", [
      told.commandId,
    ]);
    const before = await versionOf();
    expect(await expireCommands(db.pool)).toBeGreaterThan(0);
    expect(await read()).toMatchObject({ state: "configured" });
    expect(await inPolicy()).toBeUndefined();
    expect(await versionOf()).toBeGreaterThan(before);
    // One that was sent may have been told all the same.
    const sent = await set("new-password-456", true);
    await upToDate();
    expect(await due()).toHaveLength(1);
    await db.pool.query("update command set expires_at = now() - interval '1 minute' where command_id = $1", [
      sent.commandId,
    ]);
    await expireCommands(db.pool);
    expect(await read()).toMatchObject({ state: "changing" });
  });

  test("that is replaced before the station was told is not told any more", async () => {
    await tell(online(cp));
    for (const replace of [
      () => set("second-of-all-12"),
      () => send("DELETE", `${path}/password`, undefined, 200),
    ]) {
      const told = await set("new-password-123", true);
      await replace();
      await upToDate();
      expect(await due()).toEqual([]);
      expect(await readOk<CommandView>(api, `/v1/commands/${told.commandId}`)).toMatchObject({
        status: "superseded",
      });
      const kept = await db.rows("select * from command where command_id = $1", told.commandId);
      expect(JSON.stringify(kept)).not.toContain(Buffer.from("new-password-123").toString("hex"));
    }
  });

  test("is not withdrawn by what another ER says of its command", async () => {
    await tell(online(cp));
    const told = await set("new-password-123", true);
    const stranger = new Journal(`er2-${cp}`, `site2-${cp}`);
    await introduce(db.pool, stranger);
    await storeAll(db.pool, stranger.commit([finished(told.commandId ?? "", "rejected")]));
    expect(await hashes()).toHaveLength(1);
  });

  test("never more of them than an ER takes, however many come at once", async () => {
    await tell(online(cp));
    const body = { password: "new-password-123", tellStation: true };
    await Promise.all(Array.from({ length: 8 }, () => api.send("PUT", `${path}/password`, body)));
    expect((await hashes()).length).toBe(STATION_PASSWORDS_MAX);
  });

  test("is told only to a station whose version is known, and only one that it can take", async () => {
    await send("POST", "/v1/stations", { siteId: journal.siteId, identity: cp }, 201);
    const body = { password: "new-password-123", tellStation: true };
    expect(await problem("PUT", `${path}/password`, body, 409)).toBe("PROTOCOL_UNKNOWN");
    await tell(online(cp));
    const long = { ...body, password: "longer than twenty bytes" };
    expect(await problem("PUT", `${path}/password`, long, 400)).toBe("PASSWORD_LENGTH");
    for (let i = 0; i < 4; i++) await set(`new-password-12${i}`, true);
    expect(await problem("PUT", `${path}/password`, body, 409)).toBe("PASSWORD_CHANGING");
    await set("new-password-123");
    expect(await hashes()).toHaveLength(1);
  });
});

describe("reservations", () => {
  const HOUR_MS = 3_600_000;
  const later = () => new Date(Date.now() + HOUR_MS).toISOString();
  const make = (more: object = {}) =>
    send<Reservation>(
      "POST",
      `${path}/reservations`,
      { evseId: 1, idToken: { idToken: "TAG1" }, expiresAt: later(), ...more },
      201,
    );
  const read = ({ reservationId }: Reservation) =>
    readOk<Reservation>(api, `${path}/reservations/${reservationId}`);
  beforeEach(async () => {
    await tell(online(cp), boot());
  });

  test("are ordered, granted, and used by the transaction that names them", async () => {
    const made = await make();
    expect(made).toMatchObject({ state: "requested", idToken: "TAG1", idTokenType: "ISO14443", evseId: 1 });
    const [command] = await due();
    expect(command).toMatchObject({ kind: "ReserveNow", params: { id: made.reservationId, evseId: 1 } });
    await tell(finished(made.commandId, "succeeded", { response: { status: "Accepted" } }));
    expect(await read(made)).toMatchObject({ state: "accepted" });
    const transactionId = randomUUID();
    const payload = { connectorId: 1, idTag: "TAG1", meterStart: 0, timestamp: "2026-05-04T12:00:00Z" };
    const start = { ...payload, reservationId: made.reservationId };
    const answer = { transactionId: 7, idTagInfo: { status: "Accepted" } };
    await tell(handled(cp, "ocpp1.6", "StartTransaction", start, answer, { basis: "sg", transactionId }));
    expect(await read(made)).toMatchObject({ state: "used", transactionId });
    expect(await problem("DELETE", `${path}/reservations/${made.reservationId}`, undefined, 409)).toBe(
      "RESERVATION_ENDED",
    );
    expect(await audited("reservation.create")).toHaveLength(1);
  });

  test("are refused, cancelled, ended by the station, or over with their time", async () => {
    const [refused, cancelled, removed, over] = [await make(), await make(), await make(), await make()];
    expect(new Set([refused, cancelled, removed, over].map((r) => r.reservationId)).size).toBe(4);
    await tell(
      finished(refused.commandId, "rejected", { reason: "the station said Occupied" }),
      ...[cancelled, removed, over].map((r) => finished(r.commandId, "succeeded")),
    );
    expect(await read(refused)).toMatchObject({ state: "rejected", reason: "the station said Occupied" });
    const url = `${path}/reservations/${cancelled.reservationId}`;
    const ordered = await send<Reservation>("DELETE", url, undefined, 202);
    expect(ordered).toMatchObject({ state: "accepted", cancelCommandId: expect.any(String) });
    await tell(finished(ordered.cancelCommandId ?? "", "succeeded"));
    expect(await read(cancelled)).toMatchObject({ state: "cancelled" });
    const update = { reservationId: removed.reservationId, reservationUpdateStatus: "Removed" };
    await tell(handled(cp, "ocpp2.0.1", "ReservationStatusUpdate", update, {}));
    expect(await read(removed)).toMatchObject({ state: "removed" });
    await db.pool.query("update reservation set expires_at = now() where reservation_id = $1", [
      over.reservationId,
    ]);
    expect(await read(over)).toMatchObject({ state: "expired" });
    const list = async (query: string) =>
      (await readOk<Page<Reservation>>(api, `/v1/reservations?${query}`)).items.map((r) => r.reservationId);
    expect(await list(`stationId=${cp}&state=removed`)).toEqual([removed.reservationId]);
    expect((await list(`siteId=${journal.siteId}`)).length).toBe(4);
    expect((await readOk<Page<Reservation>>(api, `${path}/reservations?limit=2`)).nextCursor).not.toBeNull();
  });

  test.each(["at once", "one after the other"])("what was used was used, told %s", async (how) => {
    const made = await make();
    const reservation = { reservationId: made.reservationId };
    const transactionId = randomUUID();
    const payload = { connectorId: 1, idTag: "TAG1", meterStart: 0, timestamp: "2026-05-04T12:00:00Z" };
    const words = [
      handled(
        cp,
        "ocpp2.0.1",
        "ReservationStatusUpdate",
        { ...reservation, reservationUpdateStatus: "Expired" },
        {},
      ),
      handled(
        cp,
        "ocpp1.6",
        "StartTransaction",
        { ...payload, ...reservation },
        { transactionId: 7, idTagInfo: { status: "Accepted" } },
        { basis: "sg", transactionId },
      ),
      handled(
        cp,
        "ocpp2.0.1",
        "ReservationStatusUpdate",
        { ...reservation, reservationUpdateStatus: "Removed" },
        {},
      ),
    ];
    if (how === "at once") await tell(...words);
    else for (const word of words) await tell(word);
    expect(await read(made)).toMatchObject({ state: "used", transactionId });
  });

  test("that are ordered as plain commands are reservations too", async () => {
    const params = { expiryDateTime: later(), idToken: { idToken: "TAG1", type: "ISO14443" } };
    const command = await send<CommandView>("POST", `${path}/commands`, { kind: "ReserveNow", params }, 202);
    const { items } = await readOk<Page<Reservation>>(api, `${path}/reservations`);
    expect(items).toMatchObject([{ commandId: command.commandId, evseId: null, state: "requested" }]);
    expect(command.params).toMatchObject({ id: items[0]?.reservationId });
    const cancel = { kind: "CancelReservation", params: { reservationId: items[0]?.reservationId } };
    const { commandId } = await send<CommandView>("POST", `${path}/commands`, cancel, 202);
    await tell(finished(commandId, "succeeded"));
    expect(await readOk<Page<Reservation>>(api, `${path}/reservations`)).toMatchObject({
      items: [{ state: "cancelled" }],
    });
  });

  test("what cannot be is refused before it is sent", async () => {
    const body = { idToken: { idToken: "TAG1" }, expiresAt: later() };
    const post = (more: object, status = 400) =>
      problem("POST", `${path}/reservations`, { ...body, ...more }, status);
    expect(await post({ expiresAt: "2020-01-01T00:00:00Z" })).toBe("EXPIRED");
    expect(await post({ connectorType: "cType2" })).toBe("NOT_SUPPORTED");
    expect(await post({ idToken: { idToken: "longer-than-twenty-characters" } })).toBe("NOT_SUPPORTED");
    expect(await post({ idToken: { idToken: "TAG1", type: "Card" } })).toBe("INVALID_PARAMS");
    expect(await problem("POST", "/v1/stations/nobody/reservations", body, 404)).toBe("NOT_FOUND");
    expect((await api.get(`${path}/reservations/99999`)).status).toBe(404);
    expect(await due()).toEqual([]);
  });
});

describe("charging profiles", () => {
  const schedule = { id: 1, chargingRateUnit: "A", chargingSchedulePeriod: [{ startPeriod: 0, limit: 16 }] };
  const DEFAULT = {
    ...{ stackLevel: 1, chargingProfilePurpose: "TxDefaultProfile", chargingProfileKind: "Relative" },
    chargingSchedule: [schedule],
  };
  const url = () => `${path}/charging-profiles`;
  const make = (chargingProfile: object = DEFAULT, evseId = 1) =>
    send<ChargingProfile>("POST", url(), { evseId, chargingProfile }, 201);
  const read = ({ profileId }: ChargingProfile) => readOk<ChargingProfile>(api, `${url()}/${profileId}`);
  beforeEach(async () => {
    await tell(online(cp), boot());
  });

  test("are set, replaced under their id, and cleared", async () => {
    const made = await make();
    expect(made).toMatchObject({ state: "wanted", evseId: 1, purpose: "TxDefaultProfile", stackLevel: 1 });
    expect(made.profileId).toBeGreaterThan(100_000);
    await tell(finished(made.commandId, "succeeded"));
    expect(await read(made)).toMatchObject({ state: "set" });
    const body = { evseId: 1, chargingProfile: { ...DEFAULT, stackLevel: 2 } };
    const again = await send<ChargingProfile>("PUT", `${url()}/${made.profileId}`, body, 200);
    expect(again).toMatchObject({ state: "wanted", stackLevel: 2, profileId: made.profileId });
    await tell(finished(again.commandId, "rejected", { reason: "the station said Rejected" }));
    expect(await read(made)).toMatchObject({ state: "rejected", reason: "the station said Rejected" });
    const cleared = await send<ChargingProfile>("DELETE", `${url()}/${made.profileId}`, undefined, 202);
    await tell(finished(cleared.clearCommandId ?? "", "succeeded"));
    expect(await read(made)).toMatchObject({ state: "cleared" });
    expect(await problem("PUT", `${url()}/1`, body, 404)).toBe("NOT_FOUND");
  });

  test("of a transaction need one that runs, and end with it", async () => {
    const tx = { ...DEFAULT, chargingProfilePurpose: "TxProfile" };
    const post = (chargingProfile: object) => problem("POST", url(), { evseId: 1, chargingProfile }, 400);
    expect(await post(tx)).toBe("TRANSACTION_REQUIRED");
    const transactionId = randomUUID();
    expect(await post({ ...tx, transactionId })).toBe("UNKNOWN_TRANSACTION");
    expect(await post({ ...DEFAULT, chargingSchedule: [] })).toBe("INVALID_PARAMS");
    await tell(start16(cp, transactionId));
    const made = await make({ ...tx, transactionId });
    await tell(finished(made.commandId, "succeeded"));
    expect(await read(made)).toMatchObject({ state: "set", transactionId });
    await tell(stop16(cp, transactionId));
    expect(await read(made)).toMatchObject({ state: "ended" });
  });

  test("that are cleared by what they are, are cleared; the others stay", async () => {
    const [one, two] = [await make(), await make(DEFAULT, 2)];
    await tell(finished(one.commandId, "succeeded"), finished(two.commandId, "succeeded"));
    const params = { chargingProfileCriteria: { evseId: 2, chargingProfilePurpose: "TxDefaultProfile" } };
    const clear = { kind: "ClearChargingProfile", params };
    const { commandId } = await send<CommandView>("POST", `${path}/commands`, clear, 202);
    await tell(finished(commandId, "succeeded"));
    const { items } = await readOk<Page<ChargingProfile>>(api, url());
    expect(items.map(({ state }) => state)).toEqual(["set", "cleared"]);
  });

  test("that the station reports stand beside them: the last report of each EVSE", async () => {
    const report = (requestId: number, evseId: number, id: number, tbc = false) =>
      handled(
        cp,
        "ocpp2.0.1",
        "ReportChargingProfiles",
        {
          ...{ requestId, chargingLimitSource: "EMS", evseId, tbc },
          chargingProfile: [{ ...DEFAULT, id }],
        },
        {},
      );
    await tell(report(1, 1, 10), report(1, 2, 20), report(2, 1, 11, true), report(2, 1, 12));
    const path2 = `${path}/reported-charging-profiles`;
    const { items } = await readOk<{ items: ReportedChargingProfile[] }>(api, path2);
    const ids = items.map(({ evseId, chargingProfile }) => `${evseId}: ${String(chargingProfile["id"])}`);
    expect(ids.toSorted()).toEqual(["1: 11", "1: 12", "2: 20"]);
    expect(items[0]).toMatchObject({ source: "EMS" });
  });
});

describe("charging profiles that a station reports", () => {
  const profile = (id: number, purpose = "TxDefaultProfile") => ({
    ...{ id, stackLevel: 0, chargingProfilePurpose: purpose, chargingProfileKind: "Relative" },
    chargingSchedule: [
      { id: 1, chargingRateUnit: "A", chargingSchedulePeriod: [{ startPeriod: 0, limit: 16 }] },
    ],
  });
  const report = (requestId: number, id: number) =>
    handled(
      cp,
      "ocpp2.0.1",
      "ReportChargingProfiles",
      { requestId, chargingLimitSource: "CSO", evseId: 1, chargingProfile: [profile(id)] },
      {},
    );
  const ids = async () => {
    const url = `${path}/reported-charging-profiles`;
    const { items } = await readOk<{ items: ReportedChargingProfile[] }>(api, url);
    return items.map(({ chargingProfile }) => chargingProfile["id"]);
  };
  /** It is asked, and says that it will report, or that there is nothing. */
  async function ask(chargingProfile: object, status = "Accepted"): Promise<void> {
    const params = { requestId: 5, chargingProfile };
    const body = { kind: "GetChargingProfiles", params };
    const { commandId } = await send<CommandView>("POST", `${path}/commands`, body, 202);
    await due();
    await tell(
      { kind: "command.accepted", commandId, stationId: cp, commandKind: "GetChargingProfiles" },
      {
        ...{
          kind: "ocpp.called",
          stationId: cp,
          protocol: "ocpp2.0.1",
          action: "GetChargingProfiles",
          commandId,
        },
        request: callText("m1", "GetChargingProfiles", params),
        response: resultText("m1", { status }),
      },
      finished(commandId, status === "Accepted" ? "succeeded" : "rejected", { response: { status } }),
    );
  }
  beforeEach(async () => {
    await tell(online(cp, "ocpp2.0.1"), boot("Accepted", "ocpp2.0.1"));
  });

  test("under an id that was used before are those of the last time", async () => {
    await ask({});
    await tell(report(5, 10));
    await ask({});
    expect(await ids()).toEqual([10]);
    await tell(report(5, 11));
    expect(await ids()).toEqual([11]);
  });

  test("are gone when it says that it has none, not when it has none of a kind", async () => {
    await ask({});
    await tell(report(5, 10));
    await ask({ chargingProfilePurpose: "TxProfile" }, "NoProfiles");
    expect(await ids()).toEqual([10]);
    await ask({}, "NoProfiles");
    expect(await ids()).toEqual([]);
  });
});

describe("a station's own list", () => {
  const called = (action: string, payload: object, answer: object): EntryBody => ({
    ...{ kind: "ocpp.called", stationId: cp, protocol: "ocpp1.6", action, cause: "local-list" },
    request: callText("m1", action, payload as Record<string, unknown>),
    response: resultText("m1", answer),
  });
  const listed = (idTag: string, status?: string) => ({
    idTag,
    ...(status === undefined ? {} : { idTagInfo: { status } }),
  });
  const sendList = (listVersion: number, updateType: string, list: object[], status = "Accepted") =>
    called("SendLocalList", { listVersion, updateType, localAuthorizationList: list }, { status });
  const version = (listVersion: number) => called("GetLocalListVersion", {}, { listVersion });
  const read = async () => {
    const list = await readOk<LocalList>(api, `${path}/local-list`);
    return { ...list, entries: list.entries?.map(({ idToken, status }) => `${idToken} ${status}`).sort() };
  };

  test("is what it has accepted, part by part; what it refused changes nothing", async () => {
    await tell(online(cp), version(0));
    expect(await read()).toMatchObject({ version: 0, entries: [], updatedAt: null });
    await tell(
      sendList(1, "Full", [listed("A", "Accepted"), listed("B", "Blocked")]),
      sendList(2, "Differential", [listed("C", "Accepted"), listed("B")]),
      sendList(3, "Differential", [listed("D", "Accepted")], "Failed"),
    );
    const entries = ["A Accepted", "C Accepted"];
    expect(await read()).toMatchObject({ version: 2, entries, lastResult: "failed" });
    await tell(sendList(3, "Differential", [listed("D", "Accepted")]));
    expect(await read()).toMatchObject({
      version: 3,
      entries: [...entries, "D Accepted"],
      lastResult: "accepted",
    });
    await tell(version(3));
    expect((await read()).entries).toHaveLength(3);
    // Somebody else has written it.
    await tell(version(9), sendList(10, "Differential", [listed("E", "Accepted")]));
    expect(await read()).toMatchObject({ version: 10, entries: undefined });
    await tell(sendList(11, "Full", [listed("E", "Accepted")]));
    expect(await read()).toMatchObject({ version: 11, entries: ["E Accepted"] });
  });

  test("that was never told is unknown", async () => {
    await tell(online(cp));
    expect(await read()).toMatchObject({ version: null, entries: undefined, lastResult: null });
    expect((await api.get("/v1/stations/nobody/local-list")).status).toBe(404);
  });
});
