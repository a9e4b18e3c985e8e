import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { startPostgres } from "./postgres.ts";
import { createTestDatabase } from "./test-database.ts";
import { until } from "./until.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "moov-test-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function query<T>(url: string, text: string): Promise<T[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query(text)).rows as T[];
  } finally {
    await client.end();
  }
}

const migrate = async (url: string): Promise<void> => {
  await query(url, "create table site (name text)");
};

test.each(["installed", "embedded"] as const)("%s binaries: data outlive stop and kill", async (binaries) => {
  const options = { dir: join(dir, "pg"), persistent: true, binaries };
  const first = await startPostgres(options);
  expect(first.source).toBe(binaries);
  await query(first.url, "create table note (body text)");
  await query(first.url, "insert into note values ('kept over stop')");
  await first.stop();
  const second = await startPostgres(options);
  await query(second.url, "insert into note values ('kept over kill')");
  await second.kill();
  const third = await startPostgres(options);
  const notes = await query(third.url, "select body from note order by body");
  expect(notes).toEqual([{ body: "kept over kill" }, { body: "kept over stop" }]);
  await third.stop();
});

test("it comes back after SIGKILL, on the same port and with what was committed", async () => {
  const server = await startPostgres({ dir: join(dir, "pg"), alwaysPrivate: true });
  await query(server.url, "create table note (body text)");
  await query(server.url, "insert into note values ('kept')");
  const idle = new Client(server.url);
  idle.on("error", () => undefined);
  await idle.connect();
  await server.kill("SIGKILL");
  await server.restart();
  expect(await query(server.url, "select body from note")).toEqual([{ body: "kept" }]);
  await idle.end().catch(() => undefined);
  await server.stop();
});

test("a directory in use is refused, one that was left by a crash is not", async () => {
  const options = { dir: join(dir, "pg"), persistent: true };
  const first = await startPostgres(options);
  await expect(startPostgres(options)).rejects.toMatchObject({ code: "SERVICE_IN_USE" });
  expect(await query(first.url, "select 1 as one")).toEqual([{ one: 1 }]);
  const lock = join(dir, "pg", "data", "postmaster.pid");
  const lines = readFileSync(lock, "utf8").split("\n");
  await first.stop();
  // After a restart of a container, the number may belong to anybody: here, to this process.
  writeFileSync(lock, [String(process.pid), ...lines.slice(1)].join("\n"), { mode: 0o600 });
  const second = await startPostgres(options);
  expect(await query(second.url, "select 1 as one")).toEqual([{ one: 1 }]);
  await second.stop();
});

test("an initdb that was interrupted is done again", async () => {
  const target = join(dir, "pg");
  await mkdir(join(target, "data.unfinished", "base"), { recursive: true });
  const server = await startPostgres({ dir: target });
  expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
  await server.stop();
  expect(existsSync(target)).toBe(false);
});

test("it answers on 127.0.0.1 with a password only", async () => {
  const server = await startPostgres({ dir: join(dir, "pg"), fsync: false });
  const url = new URL(server.url);
  expect(url.hostname).toBe("127.0.0.1");
  url.password = "guess";
  await expect(query(url.href, "select 1")).rejects.toThrow(/password authentication failed/);
  const shown = await query(server.url, "select setting from pg_settings where name = 'listen_addresses'");
  expect(shown).toEqual([{ setting: "127.0.0.1" }]);
  const sockets = await query(
    server.url,
    "select setting from pg_settings where name = 'unix_socket_directories'",
  );
  expect(sockets).toEqual([{ setting: "" }]);
  await server.stop();
});

test("the server and its throw-away data go when the process that started it is killed", async () => {
  const module = JSON.stringify(new URL("./postgres.ts", import.meta.url).href);
  const target = join(dir, "pg");
  const script = `
    import { startPostgres } from ${module};
    const server = await startPostgres({ dir: ${JSON.stringify(target)}, fsync: false });
    console.log(server.url);
    setInterval(() => {}, 1_000);
  `;
  const child = execFile(process.execPath, ["--input-type=module", "-e", script]);
  let output = "";
  child.stdout?.on("data", (text) => (output += text));
  await until("it runs", () => output.includes("\n"));
  const url = output.trim();
  expect(await query(url, "select 1 as one")).toEqual([{ one: 1 }]);
  child.kill("SIGKILL");
  await until("the server is gone", () =>
    query(url, "select 1").then(
      () => false,
      () => true,
    ),
  );
  await until("the data are gone", () => !existsSync(target));
});

test("test databases are clones of one template that is migrated once", async () => {
  const template = `once_${process.pid}`;
  let migrations = 0;
  const counting = async (url: string): Promise<void> => {
    migrations += 1;
    await migrate(url);
  };
  const server = inject("databaseUrl");
  const databases = await Promise.all(
    [1, 2, 3].map(() => createTestDatabase(server, counting, { template })),
  );
  expect(migrations).toBe(1);
  await query(databases[0]?.url ?? "", "insert into site values ('only here')");
  expect(await query(databases[1]?.url ?? "", "select * from site")).toEqual([]);
  for (const database of databases) await database.drop();
  const left = await query(server, `select 1 from pg_database where datname = '${databases[0]?.name}'`);
  expect(left).toEqual([]);
});

test("a failed migration leaves no template behind", async () => {
  const template = `broken_${process.pid}`;
  const broken = async (url: string): Promise<void> => {
    await migrate(url);
    throw new Error("migration 2 failed");
  };
  const create = (how: typeof migrate) => createTestDatabase(inject("databaseUrl"), how, { template });
  await expect(create(broken)).rejects.toThrow("migration 2 failed");
  const database = await create(migrate);
  expect(await query(database.url, "select * from site")).toEqual([]);
  await database.drop();
});

test("a session left open is reported, and the database is dropped nevertheless", async () => {
  const template = `once_${process.pid}`;
  const database = await createTestDatabase(inject("databaseUrl"), migrate, { template });
  const forgotten = new Client({ connectionString: database.url, application_name: "forgetful" });
  forgotten.on("error", () => undefined);
  await forgotten.connect();
  await expect(database.drop()).rejects.toMatchObject({ code: "TEST_LEAK", message: /forgetful/ });
  const names = await query<{ datname: string }>(inject("databaseUrl"), "select datname from pg_database");
  expect(names.map(({ datname }) => datname)).not.toContain(database.name);
  await forgotten.end();
});
