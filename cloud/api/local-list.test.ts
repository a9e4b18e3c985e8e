/** A station's own list of tokens, as what it has answered says that it is. */
import { describe, expect, test } from "vitest";
import type { EntryBody } from "../../shared/entry.ts";
import { callText, resultText } from "../../shared/ocpp/frame.ts";
import { online, type TestApi } from "../harness.ts";
import { controlOf } from "../harness-control.ts";
import { readOk, useSite, type TestSite } from "../harness-site.ts";
import type { LocalList } from "./control-schemas.ts";

let api: TestApi;
let cp: string;
let path: string;
let site: TestSite;
useSite((next) => {
  site = next;
  ({ api, cp } = next);
  path = `/v1/stations/${next.cp}`;
});
const { tell } = controlOf(() => site);

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
