/**
 * Migrations: the numbered .sql files beside this file, applied once each, in order, under a lock (kysely's
 * Migrator). Forward only. Several programs may call it at the same time.
 */
import { readdirSync, readFileSync } from "node:fs";
import { Kysely, PostgresDialect, sql } from "kysely";
import { Migrator, type Migration } from "kysely/migration";
import { AppError } from "../../shared/errors.ts";
import { createPool } from "./pool.ts";
import { ensurePartitions } from "./partitions.ts";

const FOLDER = new URL("./migrations/", import.meta.url);

function readMigrations(): Record<string, Migration> {
  const names = readdirSync(FOLDER).filter((name) => /^\d{4}_[a-z_]+\.sql$/.test(name));
  return Object.fromEntries(
    names.map((name) => {
      const text = readFileSync(new URL(name, FOLDER), "utf8");
      const migration: Migration = { up: async (db) => void (await sql.raw(text).execute(db)) };
      return [name.replace(/\.sql$/, ""), migration];
    }),
  );
}

/**
 * Brings the database to this release and makes the partitions of the coming months.
 * @returns the names of what was applied. @throws AppError MIGRATION_FAILED; the failed step is rolled back.
 */
export async function migrate(url: string): Promise<string[]> {
  const pool = createPool(url, { max: 2, name: "sg-migrate" });
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    const provider = { getMigrations: async () => readMigrations() };
    const { error, results = [] } = await new Migrator({ db, provider }).migrateToLatest();
    if (error !== undefined) {
      const failed = results.find((r) => r.status === "Error")?.migrationName ?? "connecting";
      throw new AppError("MIGRATION_FAILED", `migration ${failed} failed; nothing of it was kept`, {
        cause: error,
      });
    }
    await ensurePartitions(pool, new Date());
    return results.map((r) => r.migrationName);
  } finally {
    await db.destroy();
  }
}
