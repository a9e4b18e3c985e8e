/** idTokens and drivers as CSV: in, out, and in again; and files that mean no good. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import { arrive, Journal, online, openTestApi, openTestDb, type TestApi, type TestDb } from "../harness.ts";
import { createApiKey } from "./actor.ts";
import type { IdTokenImport } from "./driver-schemas.ts";

let db: TestDb;
let api: TestApi;
beforeAll(async () => {
  db = await openTestDb();
  api = await openTestApi(db.pool);
  await api.app.ready();
  await arrive(db.pool, new Journal("er-1", "site-1").commit([online("CP1"), online("CP|2")]));
});
afterAll(async () => {
  await api.close();
  await db.close();
});

type Reply = { status: number; code: string; body: IdTokenImport };

async function put(
  file: string | Buffer,
  query = "",
  key = api.key,
  type = "text/csv; charset=utf-8",
): Promise<Reply> {
  const reply = await api.app.inject({
    ...{ method: "POST", url: `/v1/id-token-imports${query}`, payload: file },
    headers: { authorization: `Bearer ${key}`, "content-type": type },
  });
  const body = JSON.parse(reply.body) as IdTokenImport & { code: string };
  return { status: reply.statusCode, code: body.code, body };
}
const exported = async () => (await api.get("/v1/id-token-exports")).text;
const counts = ({ body }: Reply) => [body.status, body.created, body.updated, body.unchanged, body.errors];
const policyVersion = async () =>
  (await db.rows<{ v: number }>("select policy_version as v from site where site_id = 'site-1'"))[0]?.v;
const clear = async () => {
  await db.pool.query("delete from id_token");
  await db.pool.query("delete from driver");
};
const tokens = () =>
  db.rows<Record<string, unknown>>(
    `select t.id_token, t.label, t.status, t.group_id, t.site_ids, t.max_concurrent, d.name, d.email, d.tax_id
     from id_token t left join driver d using (driver_id) order by t.id_token`,
  );

describe("an import", () => {
  test("makes tokens and drivers, once, with one policy and one row of the audit", async () => {
    const file = [
      "idToken;label;siteIds;maxConcurrent;driverName;driverEmail;driverTaxId",
      "A1;first;site-1;2;Ana Lima;ana@example.com;529.982.247-25",
      'A2;"with ; and ""quotes""";;;Ana Lima;ANA@example.com;',
      "A3;;#;;Bruno;;",
      "A4;;;;;;",
    ].join("\r\n");
    const before = await policyVersion();
    const dry = await put(`\uFEFF${file}`, "?dryRun=true");
    expect(counts(dry)).toEqual(["dry-run", 4, 0, 0, 0]);
    expect(await tokens()).toEqual([]);
    expect(await policyVersion()).toBe(before);
    const reply = await put(`\uFEFF${file}`);
    expect(counts(reply)).toEqual(["applied", 4, 0, 0, 0]);
    expect(reply.body.driversCreated).toBe(2);
    const rows = await tokens();
    expect(rows).toMatchObject([
      { id_token: "A1", site_ids: ["site-1"], max_concurrent: 2, name: "Ana Lima", tax_id: "52998224725" },
      { id_token: "A2", label: 'with ; and "quotes"', site_ids: null, name: "Ana Lima" },
      { id_token: "A3", site_ids: [], name: "Bruno", email: null },
      { id_token: "A4", name: null },
    ]);
    const after = await policyVersion();
    expect(after).toBeGreaterThan(before ?? 0);
    const again = await put(file);
    expect(counts(again)).toEqual(["applied", 0, 0, 4, 0]);
    expect(again.body.driversCreated).toBe(0);
    expect(await policyVersion()).toBe(after);
    expect(await db.rows("select from audit where action = 'idToken.import'")).toHaveLength(1);
  });

  test("changes what its columns say and leaves the rest", async () => {
    const reply = await put(
      "driverEmail,driverPhone,idToken,status\nana@example.com,+55 11 5555-1234,a1,blocked\n",
    );
    expect(counts(reply)).toEqual(["applied", 0, 1, 0, 0]);
    expect((await tokens())[0]).toMatchObject({
      id_token: "A1",
      status: "Blocked",
      label: "first",
      max_concurrent: 2,
    });
    expect(await db.rows("select phone, name from driver where email = 'ana@example.com'")).toEqual([
      { phone: "+55 11 5555-1234", name: "Ana Lima" },
    ]);
    expect(counts(await put("idToken,driverId\nA1,\n"))).toEqual(["applied", 0, 1, 0, 0]);
    expect((await tokens())[0]).toMatchObject({ id_token: "A1", name: null });
  });

  test("says of every row what is wrong, and in which line", async () => {
    const file = [
      "idToken,label,expiresAt,maxConcurrent,siteIds,driverName,driverEmail,driverTaxId",
      'B1,"two',
      'lines",,,,,,',
      "B2,,tomorrow,,,,,",
      "B3,,,0,,,,",
      "B4,,,,nowhere,,,",
      "b1,,,,,,,",
      ",,,,,,,",
      "B5,,,,,,someone@example.com,",
      "B6,,,,,X,x@example.com,123.456.789-00",
      "B7,,",
      `${"9".repeat(37)},,,,,,,`,
      "erased-1,,,,,,,",
      "B8,,,,,Nome,um@example.com,",
      "B9,,,,,Outro,um@example.com,",
    ].join("\n");
    const reply = await put(file);
    expect(counts(reply)).toEqual(["rejected", 2, 0, 0, 11]);
    expect(
      reply.body.rows.filter((row) => row.result === "error").map(({ line, reason }) => [line, reason]),
    ).toEqual([
      [4, "expiresAt is no time like 2027-03-01T00:00:00Z"],
      [5, "maxConcurrent is no whole number from 1 to 100"],
      [6, 'there is no site "nowhere"'],
      [7, "the idToken stands in line 2 already"],
      [8, "idToken is empty"],
      [9, "a driver needs a driverName"],
      [10, "driverTaxId is no CPF and no CNPJ: its check digits do not fit"],
      [11, "the row has 3 cells, the header 8"],
      [12, "idToken has 37 characters; at most 36 are taken"],
      [13, "names of this form stand for people who are gone"],
      [15, "line 14 says something else of the name of the same driver"],
    ]);
    expect((await tokens()).map((row) => row["id_token"])).not.toContain("B1");
    expect(counts(await put(file, "?onError=skip"))).toEqual(["applied", 2, 0, 0, 11]);
    expect((await tokens()).map((row) => row["id_token"])).toEqual(["A1", "A2", "A3", "A4", "B1", "B8"]);
  });

  test("of drivers needs the permission for drivers", async () => {
    const key = await createApiKey(db.pool, "default", "gate", { role: "operations" });
    expect(await put("idToken,driverName\nC1,X\n", "", key)).toMatchObject({ status: 403 });
    expect(await put("idToken\nC1\n", "?dryRun=true", key)).toMatchObject({ status: 200 });
  });
});

describe("a file that means no good", () => {
  const header = "idToken,label\n";
  test.each<[string, string | Buffer, number, string]>([
    ["nothing", "", 400, "INVALID_CSV"],
    ["a column that there is not", "idToken,password\nA,b\n", 400, "INVALID_CSV"],
    ["a column twice", "idToken,IDTOKEN\nA,b\n", 400, "INVALID_CSV"],
    ["no idToken", "label\nb\n", 400, "INVALID_CSV"],
    ["a quote that never ends", `${header}A,"${"x".repeat(100_000)}`, 400, "INVALID_CSV"],
    ["a quote in the middle", `${header}A,b"c"\n`, 400, "INVALID_CSV"],
    ["NUL", `${header}A,\0\n`, 400, "INVALID_ENCODING"],
    ["Latin-1", Buffer.from(`${header}A,Jo\u00e3o\n`, "latin1"), 400, "INVALID_ENCODING"],
    ["UTF-16", Buffer.from(`\uFEFF${header}A,b\n`, "utf16le"), 400, "INVALID_ENCODING"],
    ["a spreadsheet", Buffer.from("PK\u0003\u0004\u0000\u0000"), 400, "INVALID_ENCODING"],
    ["too many bytes", `${header}A,${"x".repeat(5_000_001)}\n`, 413, "IMPORT_TOO_LARGE"],
    [
      "too many rows",
      `idToken\n${Array.from({ length: 50_001 }, (_, i) => `T${i}`).join("\n")}`,
      413,
      "IMPORT_TOO_LARGE",
    ],
  ])("%s is refused", async (_what, file, status, code) => {
    const reply = await put(file);
    expect([reply.status, reply.code]).toEqual([status, code]);
  });

  test("another type is refused", async () => {
    for (const type of ["application/json", "text/csv; charset=iso-8859-1", "text/csvx"])
      expect(await put("idToken\nA\n", "", api.key, type), type).toMatchObject({
        status: 415,
        code: "NO_CSV",
      });
  });

  test("a huge field is one row's mistake", async () => {
    const reply = await put(`${header}A9,${"x".repeat(2_000_000)}\nA10,ok\n`, "?dryRun=true");
    expect(counts(reply)).toEqual(["dry-run", 1, 0, 0, 1]);
  });
});

describe("out and in again", () => {
  const text = (max: number) =>
    fc
      .oneof(
        fc.string({ maxLength: max, unit: "grapheme" }),
        fc.constantFrom("=1+1", "'=x", "''@y", "+55", "-", "'abc", "\t", "a\r\nb", '"', ";,", "#", " x "),
      )
      .map((s) => s.replaceAll("\0", "").slice(0, max))
      .filter((s) => s.isWellFormed());
  const row = fc.record({
    label: fc.option(text(100)),
    type: fc.option(text(20)),
    group: fc.option(text(36)),
    blocked: fc.boolean(),
    master: fc.boolean(),
    expiresAt: fc.option(fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true })),
    sites: fc.constantFrom(null, [], ["site-1"]),
    stations: fc.constantFrom(null, [], ["CP1", "CP|2"]),
    concurrent: fc.option(fc.integer({ min: 1, max: 100 })),
    energy: fc.option(fc.integer({ min: 1, max: 1_000_000_000 })),
    driver: fc.option(fc.integer({ min: 0, max: 3 })),
  });
  const names = fc.array(
    text(200).filter((s) => s.trim() !== ""),
    { minLength: 4, maxLength: 4 },
  );

  test("is the same, whatever is in it; and changes nothing where it still is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 8 }), names, async (rows, drivers) => {
        await clear();
        for (const [i, name] of drivers.entries())
          await db.pool.query(
            "insert into driver (driver_id, operator_id, name, email) values ($1, 'default', $2, $3)",
            [`00000000-0000-4000-8000-00000000000${i}`, name, i % 2 === 0 ? `d${i}@example.com` : null],
          );
        for (const [i, r] of rows.entries())
          await db.pool.query(
            `insert into id_token (operator_id, id_token, label, type, group_id, status, master, expires_at, site_ids,
               station_ids, max_concurrent, max_energy_wh, driver_id, driver_since)
             values ('default', $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::uuid, case when $12::uuid is null then null else now() end)`,
            [
              ...[
                `=T${i}`,
                r.label,
                r.type,
                r.group,
                r.blocked ? "Blocked" : "Accepted",
                r.master,
                r.expiresAt,
              ],
              ...[r.sites, r.stations, r.concurrent, r.energy],
              r.driver === null ? null : `00000000-0000-4000-8000-00000000000${r.driver}`,
            ],
          );
        const first = await exported();
        expect(counts(await put(first))).toEqual(["applied", 0, 0, rows.length, 0]);
        await db.pool.query("delete from id_token");
        expect(counts(await put(first))).toEqual(["applied", rows.length, 0, 0, 0]);
        expect(await exported()).toBe(first);
      }),
      { numRuns: scaled(25) },
    );
  }, 120_000);

  test("no cell is a formula", async () => {
    await clear();
    for (const [i, label] of ["=HYPERLINK(1)", "+1", "-1", "@x", "\t=1", "＝1"].entries())
      await db.pool.query("insert into id_token (operator_id, id_token, label) values ('default', $1, $2)", [
        ...[`F${i}`, label],
      ]);
    const lines = (await exported()).split("\n").slice(1);
    for (const line of lines) expect(line).not.toMatch(/(^|,)"?[=+\-@\t\uFF1D]/);
    expect(lines.filter((line) => line.includes(",'") || line.includes(`,"'`))).toHaveLength(6);
  });

  test("drivers are left out for who may not read them", async () => {
    const key = await createApiKey(db.pool, "default", "few", { permissions: ["id-tokens:read"] });
    const reply = await api.get("/v1/id-token-exports", key);
    expect(reply.text).toMatch(/^\uFEFF?idToken,type/);
    expect(reply.text).not.toContain("driver");
    expect(String(reply.headers["content-disposition"])).toContain("id-tokens.csv");
  });

  test("50,000 rows with drivers go in, and again", async () => {
    await clear();
    const rows = Array.from(
      { length: 50_000 },
      (_, i) =>
        `T${i.toString(16).padStart(12, "0")},Card ${i},Driver ${i % 20_000},d${i % 20_000}@example.com`,
    );
    const file = `idToken,label,driverName,driverEmail\n${rows.join("\n")}\n`;
    expect(counts(await put(file))).toEqual(["applied", 50_000, 0, 0, 0]);
    expect(await db.rows("select count(*)::int as n from driver")).toEqual([{ n: 20_000 }]);
    expect(counts(await put(file))).toEqual(["applied", 0, 0, 50_000, 0]);
    expect((await exported()).split("\n")).toHaveLength(50_002);
  }, 120_000);
});
