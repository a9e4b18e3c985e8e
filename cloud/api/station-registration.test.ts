/** Registration: stations that are prepared before they come, held, let go; their names. */
import { describe, expect, test } from "vitest";
import { introduce, Journal, online, type TestApi, type TestDb } from "../harness.ts";
import { controlOf } from "../harness-control.ts";
import { readOk, useSite, type TestSite } from "../harness-site.ts";
import { ensureOperator } from "../sg.ts";
import { createApiKey } from "./actor.ts";
import type { Page, Station } from "./schemas.ts";

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
const { send, problem, tell, boot, inPolicy, versionOf, audited } = controlOf(() => site);

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
