/**
 * Databases for tests: one template, migrated once per server, and a clone per test file.
 *
 * Safe for test files that run at the same time: the template is made under a lock of the server, and gets
 * its name when it is complete. Dropping a clone reports sessions that the test left open.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, escapeIdentifier } from "pg";
import { AppError } from "../../shared/errors.ts";

export type TestDatabase = {
  url: string;
  name: string;
  /** @throws AppError TEST_LEAK when sessions are still open; the database is dropped nevertheless. */
  drop(): Promise<void>;
};

export type TestDatabaseOptions = {
  /** Another name for another migration. */
  template?: string;
};

/** All databases made here start with this, so that leftovers on a shared server can be told. */
export const TEST_DATABASE_PREFIX = "moov_test_";

const LOCK_KEY = 7_203_115;
const LEAK_GRACE_MS = 2_000;
const OBJECT_IN_USE = "55006";

/**
 * Clones the template, which is made first when the server does not have it.
 *
 * @param serverUrl a superuser's, or one who may create databases; any database.
 * @param migrate brings the empty database of the given URL to the current schema, and closes its
 * connections.
 */
export async function createTestDatabase(
  serverUrl: string,
  migrate: (url: string) => Promise<void>,
  options: TestDatabaseOptions = {},
): Promise<TestDatabase> {
  const template = TEST_DATABASE_PREFIX + (options.template ?? "template");
  const name = TEST_DATABASE_PREFIX + randomBytes(6).toString("hex");
  await withClient(serverUrl, async (client) => {
    await client.query("select pg_advisory_lock($1)", [LOCK_KEY]);
    if (!(await exists(client, template))) await makeTemplate(client, serverUrl, template, migrate);
    const clone = `create database ${escapeIdentifier(name)} template ${escapeIdentifier(template)}`;
    await whenUnused(() => client.query(clone));
  });
  return { url: withDatabase(serverUrl, name), name, drop: () => dropDatabase(serverUrl, name) };
}

/** Removes what earlier runs left on a server that outlives them, templates included. */
export async function dropTestDatabases(serverUrl: string): Promise<void> {
  await withClient(serverUrl, async (client) => {
    const pattern = TEST_DATABASE_PREFIX.replaceAll("_", "\\_") + "%";
    const found = await client.query<{ datname: string }>(
      "select datname from pg_database where datname like $1",
      [pattern],
    );
    for (const { datname } of found.rows) {
      await client.query(`drop database if exists ${escapeIdentifier(datname)} with (force)`);
    }
  });
}

async function makeTemplate(
  client: Client,
  serverUrl: string,
  template: string,
  migrate: (url: string) => Promise<void>,
): Promise<void> {
  const unfinished = escapeIdentifier(`${template}_unfinished`);
  await client.query(`drop database if exists ${unfinished} with (force)`);
  await client.query(`create database ${unfinished}`);
  await migrate(withDatabase(serverUrl, `${template}_unfinished`));
  await whenUnused(() =>
    client.query(`alter database ${unfinished} rename to ${escapeIdentifier(template)}`),
  );
}

/** A session that was closed a moment ago may still be counted. */
async function whenUnused(statement: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + LEAK_GRACE_MS;
  for (;;) {
    try {
      await statement();
      return;
    } catch (error) {
      const inUse = error instanceof Error && "code" in error && error.code === OBJECT_IN_USE;
      if (!inUse || performance.now() > end) throw error;
      await sleep(20);
    }
  }
}

async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await withClient(serverUrl, async (client) => {
    const end = performance.now() + LEAK_GRACE_MS;
    let sessions = await openSessions(client, name);
    while (sessions.length > 0 && performance.now() < end) {
      await sleep(20);
      sessions = await openSessions(client, name);
    }
    await client.query(`drop database if exists ${escapeIdentifier(name)} with (force)`);
    if (sessions.length === 0) return;
    throw new AppError("TEST_LEAK", `${sessions.length} session(s) left open: ${sessions.join(" | ")}`, {
      hint: "end the pools and clients of the test before its database is dropped",
    });
  });
}

async function openSessions(client: Client, name: string): Promise<string[]> {
  const found = await client.query<{ what: string }>(
    `select coalesce(application_name, '') || ': ' || left(query, 80) as what
     from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
    [name],
  );
  return found.rows.map(({ what }) => what);
}

async function exists(client: Client, name: string): Promise<boolean> {
  return (await client.query("select 1 from pg_database where datname = $1", [name])).rows.length > 0;
}

async function withClient(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url, application_name: "test-database" });
  await client.connect();
  try {
    await work(client);
  } finally {
    // Also releases the lock.
    await client.end();
  }
}

function withDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
