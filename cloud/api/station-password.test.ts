/** Passwords of stations: set, told to the station, shown by it, withdrawn; nowhere kept as they are. */
import { describe, expect, test } from "vitest";
import type { EntryBody } from "../../shared/entry.ts";
import { STATION_PASSWORDS_MAX } from "../../shared/limits.ts";
import { passwordMark, verifyPassword } from "../../shared/password.ts";
import { introduce, Journal, online, storeAll, type TestApi, type TestDb } from "../harness.ts";
import { controlOf } from "../harness-control.ts";
import { readOk, useSite, type TestSite } from "../harness-site.ts";
import { expireCommands } from "../ingest/dispatch.ts";
import type { StationPassword } from "./control-schemas.ts";
import type { CommandView } from "./schemas.ts";

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
const { send, problem, tell, boot, finished, inPolicy, versionOf, audited, due } = controlOf(() => site);

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
