/** Reservations: ordered, granted, used, refused, cancelled, over with their time. */
import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { handled, Journal, online, type TestApi, type TestDb } from "../harness.ts";
import { controlOf } from "../harness-control.ts";
import { readOk, useSite, type TestSite } from "../harness-site.ts";
import type { Reservation } from "./control-schemas.ts";
import type { CommandView, Page } from "./schemas.ts";

let api: TestApi;
let db: TestDb;
let journal: Journal;
let cp: string;
let path: string;
let site: TestSite;
useSite((next) => {
  site = next;
  ({ api, db, journal, cp } = next);
  path = `/v1/stations/${next.cp}`;
});
const { send, problem, tell, boot, finished, audited, due } = controlOf(() => site);

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
