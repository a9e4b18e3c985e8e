/** What stations tell of themselves, on PostgreSQL: once each, the newest value, whatever comes in what order. */
import { describe, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import { fc, scaled } from "../../sim/services/property.ts";
import type { Entry, EntryBody } from "../../shared/entry.ts";
import { callText, resultText } from "../../shared/ocpp/frame.ts";
import { handled, introduce, isoAt, Journal, storeAll, type TestApi, type TestDb } from "../harness.ts";
import { readOk, useSite } from "../harness-site.ts";
import type { Review } from "../api/review-schemas.ts";
import type { Page, Station } from "../api/schemas.ts";
import type {
  CertificateRequest,
  StationEvent,
  StationReport,
  StationVariable,
} from "../api/station-schemas.ts";
import { storeBatches } from "./journal.ts";

let db: TestDb;
let api: TestApi;
let journal: Journal;
let cp: string;
useSite((site) => void ({ db, api, journal, cp } = site));

const says = (action: string, payload: object, stationId = cp) =>
  handled(stationId, "ocpp2.0.1", action, payload, {});
const item = (variable: string, value: string, more: object = {}) => ({
  ...{ component: { name: "C" }, variable: { name: variable } },
  variableAttribute: [{ value, ...more }],
});
const report = (reportData: object[], seqNo = 0, stationId = cp) =>
  says("NotifyReport", { requestId: 1, generatedAt: isoAt(0), seqNo, tbc: true, reportData }, stationId);
const security = (type: string, stationId = cp) =>
  says("SecurityEventNotification", { type, timestamp: isoAt(0) }, stationId);
const set = (variable: string, attributeValue: string, stationId = cp): EntryBody => {
  const at = { component: { name: "C" }, variable: { name: variable } };
  return {
    ...{ kind: "ocpp.called", stationId, protocol: "ocpp2.0.1", action: "SetVariables" },
    request: callText("m", "SetVariables", { setVariableData: [{ ...at, attributeValue }] }),
    response: resultText("m", { setVariableResult: [{ ...at, attributeStatus: "Accepted" }] }),
  };
};
const signed = (certificateType?: string): EntryBody => ({
  ...{ kind: "ocpp.called", stationId: cp, protocol: "ocpp2.0.1", action: "CertificateSigned" },
  request: callText("m", "CertificateSigned", { certificateChain: "X", certificateType }),
  response: resultText("m", { status: "Accepted" }),
});

async function all<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const glue = path.includes("?") ? "&" : "?";
    const page: Page<T> = await readOk(
      api,
      `${path}${glue}limit=200${cursor === "" ? "" : `&cursor=${cursor}`}`,
    );
    items.push(...page.items);
    cursor = page.nextCursor;
  }
  return items;
}
const variables = () => all<StationVariable>(`/v1/stations/${cp}/variables`);
const values = async () => Object.fromEntries((await variables()).map((v) => [v.variable, v.value]));
const events = () => all<StationEvent>(`/v1/stations/${cp}/events`);
const reports = () => all<StationReport>(`/v1/stations/${cp}/reports`);
const certificates = () => all<CertificateRequest>(`/v1/certificate-requests?stationId=${cp}`);
const oneByOne = async (...bodies: EntryBody[]) => {
  for (const body of bodies) expect((await storeAll(db.pool, journal.commit([body]))).parked).toBe(0);
};

test("a value is the last one that was told; what it is, and in what unit, stays known", async () => {
  const unit = { variableCharacteristics: { unit: "s", dataType: "integer", supportsMonitoring: false } };
  await oneByOne(report([{ ...item("A", "1", { mutability: "ReadWrite" }), ...unit }]), set("a", "2"));
  expect(await variables()).toMatchObject([
    { component: "C", variable: "a", value: "2", mutability: "ReadWrite", unit: "s", source: "SetVariables" },
  ]);
  await oneByOne(report([{ ...item("A", "3"), variableAttribute: [{ mutability: "WriteOnly" }] }]));
  expect(await variables()).toMatchObject([
    { variable: "A", value: null, mutability: "WriteOnly", unit: "s" },
  ]);
});

test("the state of an update and of an upload is the station's latest word", async () => {
  const station = () => readOk<Station>(api, `/v1/stations/${cp}`);
  await oneByOne(security("X"));
  expect(await station()).toMatchObject({ firmwareStatus: null, logStatus: null, logStatusAt: null });
  await oneByOne(
    says("FirmwareStatusNotification", { status: "Downloading", requestId: 1 }),
    says("FirmwareStatusNotification", { status: "Installed", requestId: 1 }),
    says("LogStatusNotification", { status: "Uploading", requestId: 2 }),
  );
  expect(await station()).toMatchObject({
    ...{ firmwareStatus: "Installed", firmwareStatusAt: isoAt(3_000) },
    ...{ logStatus: "Uploading", logStatusAt: isoAt(4_000) },
  });
});

describe("certificates", () => {
  const asks = (csr: string, certificateType?: string) => says("SignCertificate", { csr, certificateType });
  const states = async () => (await certificates()).map((r) => [r.csr, r.state]);

  test("a certificate answers what was asked before it, of its type", async () => {
    await oneByOne(signed(), asks("one"), asks("two", "V2GCertificate"));
    expect(await states()).toEqual([
      ["two", "open"],
      ["one", "open"],
    ]);
    await oneByOne(signed("ChargingStationCertificate"), asks("three"));
    expect(await states()).toEqual([
      ["three", "open"],
      ["two", "open"],
      ["one", "answered"],
    ]);
    await oneByOne(signed());
    expect((await states()).map(([, state]) => state)).toEqual(["answered", "answered", "answered"]);
  });
});

describe("however it arrives", () => {
  const name = fc.constantFrom("A", "a", "B");
  const value = fc.integer({ min: 0, max: 9 }).map(String);
  const happening = (stationId: string): fc.Arbitrary<EntryBody> =>
    fc.oneof(
      fc
        .tuple(name, value, fc.constantFrom({}, { mutability: "ReadOnly" }, { mutability: "ReadWrite" }))
        .map(([n, v, more]) => report([item(n, v, more), item("B", v)], 0, stationId)),
      fc.tuple(name, value).map(([n, v]) => set(n, v, stationId)),
      fc.constantFrom("X", "Y").map((type) => security(type, stationId)),
      fc.constant(says("SignCertificate", { csr: "c" }, stationId)),
    );
  const picture = (siteId: string) =>
    Promise.all(
      [
        "select v.variable, v.value, v.mutability, v.read_at, v.source, v.seq from station_variable v",
        "select v.seq, v.idx, v.at, v.kind, v.type from station_event v",
        "select v.seq, v.at, v.of, v.payload from station_report v",
        "select v.seq, v.at, v.csr from certificate_request v",
      ].map((sql) =>
        db.rows(`${sql} join station s using (station_id) where s.site_id = $1 order by 1, 2`, siteId),
      ),
    );

  test("however a journal is cut, the rows are the same", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening("P1"), { minLength: 1, maxLength: 10 }), async (bodies) => {
        const sites = [`f-${randomUUID()}`, `f-${randomUUID()}`];
        for (const [index, siteId] of sites.entries()) {
          const own = new Journal(siteId, siteId).commitEach(bodies);
          await introduce(db.pool, new Journal(siteId, siteId, own.journalId));
          const batches = own.blocks.map((_, i) => own.batch(i, i + 1));
          if (index === 0) await storeBatches(db.pool, new Map(), siteId, batches);
          else for (const batch of batches) await storeBatches(db.pool, new Map(), siteId, [batch]);
        }
        const [whole, parts] = await Promise.all(sites.map(picture));
        expect(parts).toEqual(whole);
      }),
      { numRuns: scaled(30) },
    );
  });

  test("a message that could not be read for long takes its place: newer words stand", async () => {
    const strange = (entry: Entry) => (entry.seq === 1 ? { ...entry, kind: "ocpp.handled.v9" } : entry);
    const first = report([item("A", "1", { mutability: "ReadWrite" }), item("B", "1")]);
    await storeAll(db.pool, journal.commit([first, set("A", "2"), security("X")], strange));
    expect(await values()).toEqual({ A: "2" });
    await db.pool.query("update parked_entry set entry = replace(entry, '.v9\"', '\"') where er_id = $1", [
      journal.erId,
    ]);
    const [review] = await all<Review>(`/v1/reviews?siteId=${journal.siteId}&kind=entry-parked`);
    const replayed = await api.send("POST", `/v1/reviews/${review?.reviewId}/resolve`, { action: "replay" });
    expect(replayed.status, replayed.text).toBe(200);
    expect(await values()).toEqual({ A: "2", B: "1" });
    expect((await variables())[0]).toMatchObject({ mutability: "ReadWrite", source: "SetVariables" });
    expect([(await reports()).length, (await events()).length]).toEqual([1, 1]);
  });

  test("a journal that is taken again adds nothing that is known", async () => {
    journal.commitEach([report([item("A", "1")]), security("X")]);
    const copy = new Journal(journal.erId, journal.siteId, journal.journalId);
    copy.blocks.push(...journal.blocks);
    copy.entries.push(...journal.entries);
    await storeAll(db.pool, journal.commitEach([set("A", "2"), security("Y")]));
    copy.commitEach([security("Z"), set("B", "1"), security("Z2")]);
    expect((await storeBatches(db.pool, new Map(), copy.erId, [copy.batch(2)])).verdict).toBe("halt");
    const [review] = await all<Review>(`/v1/reviews?siteId=${journal.siteId}`);
    await api.send("POST", `/v1/reviews/${review?.reviewId}/resolve`, { action: "resume-journal" });
    expect(await storeAll(db.pool, copy)).toMatchObject({ verdict: "apply", parked: 0 });
    expect((await events()).map((event) => event.type).sort()).toEqual(["X", "Y", "Z", "Z2"]);
    expect(await reports()).toHaveLength(1);
    expect(await values()).toEqual({ A: "2", B: "1" });
  });
});

describe("whatever a station says", () => {
  test("ten thousand variables are a report like any other", async () => {
    const part = (n: number) =>
      report(
        Array.from({ length: 5_000 }, (_, i) => item(`V${n * 5_000 + i}`, "1")),
        n,
      );
    expect(await storeAll(db.pool, journal.commit([part(0), part(1)]))).toMatchObject({
      parked: 0,
      entries: 2,
    });
    const [count] = await db.rows(
      "select count(*)::int as n from station_variable where station_id = $1",
      cp,
    );
    expect(count).toEqual({ n: 10_000 });
    expect((await reports()).map((r) => [r.seqNo, r.last])).toEqual([
      [1, false],
      [0, false],
    ]);
  });

  test("NUL, half surrogates and names of prototypes are stored, none of it parked", async () => {
    const odd = ["a\0b", "\ud800", "__proto__", "constructor", 'quo"te\\u0000', "\udc00\ud800"];
    await oneByOne(
      report(odd.map((name) => item(name, name))),
      ...odd.map((type) => security(type)),
      says("SignCertificate", { csr: "c\0\ud800" }),
      set("a\0b", "\0"),
    );
    const names = ["a\ufffdb", "\ufffd", "__proto__", "constructor", 'quo"te\\u0000', "\ufffd\ufffd"];
    const stored = await values();
    expect(Object.keys(stored).sort()).toEqual([...names].sort());
    expect(stored["a\ufffdb"]).toBe("\ufffd");
    expect((await events()).map((event) => event.type).reverse()).toEqual(names);
    expect(await certificates()).toMatchObject([{ csr: "c\ufffd\ufffd" }]);
  });

  test("numbers beyond all bounds are left out", async () => {
    const huge = 2 ** 60;
    await oneByOne(
      says("NotifyReport", {
        requestId: huge,
        generatedAt: isoAt(0),
        seqNo: huge,
        reportData: [item("A", "1")],
      }),
      says("NotifyChargingLimit", { evseId: huge, chargingLimit: { chargingLimitSource: "EMS" } }),
      report([{ ...item("B", "1"), component: { name: "C", evse: { id: huge } } }]),
    );
    expect(await values()).toEqual({ A: "1" });
    expect(await reports()).toMatchObject([{ requestId: 1 }, { requestId: null, seqNo: null }]);
    expect(await events()).toMatchObject([{ kind: "charging-limit", evseId: null }]);
  });
});
