/**
 * The composition root of the SG: roles → programs that run side by side in this process.
 *
 *   api     HTTP API, live events, the page          ingest   broker ⇄ PostgreSQL
 *   jobs    partitions, clean-up                      all      everything
 *
 * Every role scales by running more copies. PostgreSQL is the only store.
 */
import pino, { type Logger } from "pino";
import { Gauge, Registry, collectDefaultMetrics } from "prom-client";
import { AppError, describeError } from "../shared/errors.ts";
import { createApp, WEB_ROOT } from "./api/app.ts";
import { createHub } from "./api/live.ts";
import type { PeopleOptions } from "./api/people.ts";
import { createApiKey } from "./api/actor.ts";
import { ROLE_NAMES } from "./core/access.ts";
import { createPool, inTransaction, listen, type Pool } from "./db/pool.ts";
import type { KeepDays } from "./core/retention.ts";
import { openFileFolder } from "./files.ts";
import { startIngest } from "./ingest/ingest.ts";
import { ensureSigningKey } from "./ingest/policy.ts";
import { startJobs } from "./jobs/jobs.ts";
import { createPay } from "./pay/providers.ts";
import { ensureSecretBox } from "./pay/secrets.ts";
import { sealOpenWebhookSecrets } from "./webhook-secrets.ts";
import { createMailer, letterBox, type MailConfig } from "./mail.ts";
import type { PeopleConfig } from "./people-config.ts";
import { createSetupCode, inviteFromConsole, ownerMissing } from "./people.ts";

export const ROLES = ["api", "ingest", "jobs"] as const;
export type Role = (typeof ROLES)[number];

export type SgConfig = {
  roles: readonly Role[];
  databaseUrl: string;
  brokerUrl: string;
  brokerCa?: string;
  host: string;
  port: number;
  /** Operator of sites that introduce themselves, until enrolment exists. */
  defaultOperatorId: string;
  /** Private key (PEM, Ed25519) that signs policies; without it the one in the database, made at first start. */
  policyKey?: string;
  /** Folder for the bytes of files. */
  filesDir: string;
  /** Where ERs reach the API, without a slash at its end; else this program on this machine. */
  publicUrl?: string;
  /** Seals secrets in the database; without it the one in the database, made at first start. */
  secretsKey?: Buffer;
  /** The sandbox payment provider may be set up. */
  sandboxPayments?: boolean;
  /** Where Mercado Pago is; else where it really is. Laboratories. */
  mercadoPagoUrl?: string;
  /** Service that answers what only somebody behind the SG can (`ingest/pass-on.ts`). */
  passOnUrl?: string;
  /** The mail server; without it mails wait. */
  mail?: MailConfig;
  people?: PeopleConfig;
  /** Webhooks may go to http and to addresses inside: laboratories. */
  webhookAllowPrivate?: boolean;
  /** How long what is kept; else as usual. */
  keepDays?: KeepDays;
};

/** What the application needs to know of people. */
function peopleOf(config: SgConfig, pool: Pool, localUrl: () => string): PeopleOptions {
  const { people, mail, defaultOperatorId } = config;
  return {
    webUrl: people?.webUrl,
    localUrl,
    secret: people?.authSecret,
    sso: people?.sso,
    setupOperatorId: defaultOperatorId,
    // Without a mail server links would wait in the outbox, secret as they are.
    sendMail: mail === undefined ? undefined : letterBox(pool),
  };
}

/** Whoever can read the log of a fresh SG may become its first owner. */
async function tellSetupCode(pool: Pool, operatorId: string, url: string, logger: Logger): Promise<void> {
  if (!(await ownerMissing(pool, operatorId))) return;
  const code = await createSetupCode(pool, operatorId);
  logger.warn(
    { code },
    `nobody owns the operator "${operatorId}": open ${url}/setup and enter this code within a day`,
  );
}

/** Makes the operator if it does not exist. */
export async function ensureOperator(pool: Pool, operatorId: string): Promise<void> {
  const sql = "insert into operator (operator_id, name) values ($1, $1) on conflict do nothing";
  await pool.query(sql, [operatorId]);
}

/** Makes an API key for an operator (and the operator). The key is shown once. */
export async function issueApiKey(databaseUrl: string, operatorId: string, name: string): Promise<string> {
  const pool = createPool(databaseUrl, { max: 1, name: "sg-key" });
  try {
    await ensureOperator(pool, operatorId);
    return await inTransaction(pool, (client) => createApiKey(client, operatorId, name));
  } finally {
    await pool.end();
  }
}

/**
 * Makes a link's secret for somebody who is to come in, or to come in again (and the operator).
 * @throws AppError UNKNOWN_ROLE.
 */
export async function issueInvitation(
  databaseUrl: string,
  operatorId: string,
  email: string,
  role: string,
): Promise<string> {
  const known = ROLE_NAMES.find((name) => name === role);
  if (known === undefined)
    throw new AppError("UNKNOWN_ROLE", `there is no role "${role}"`, {
      hint: `one of ${ROLE_NAMES.join(", ")}`,
    });
  const pool = createPool(databaseUrl, { max: 1, name: "sg-invite" });
  try {
    await ensureOperator(pool, operatorId);
    return await inviteFromConsole(pool, operatorId, email, known);
  } finally {
    await pool.end();
  }
}

type Ingest = ReturnType<typeof startIngest>;

function createMetrics(pool: Pool, hub: { size: number }, ingest: Ingest | undefined): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  gauge("sg_live_clients", "Pages that follow live events", () => hub.size);
  gauge("sg_db_connections", "Connections of the pool", () => pool.totalCount);
  gauge("sg_db_waiting", "Requests that wait for a connection", () => pool.waitingCount);
  if (ingest === undefined) return registry;
  const { counters } = ingest;
  gauge("sg_link_up", "1 while the broker is connected", () => (ingest.linkUp ? 1 : 0));
  gauge("sg_ingest_entries", "Entries stored since the start", () => counters.entries);
  gauge("sg_ingest_batches", "Batches received since the start", () => counters.batches);
  gauge("sg_ingest_dropped", "Batches dropped (the ER sends them again)", () => counters.dropped);
  gauge("sg_ingest_parked", "Entries parked since the start", () => counters.parked);
  return registry;
}

export type Sg = Awaited<ReturnType<typeof startSg>>;

/** Starts the roles. The database must be migrated. @throws AppError when the port is taken. */
export async function startSg(config: SgConfig, logger: Logger = pino()) {
  const has = (role: Role) => config.roles.includes(role);
  const pool = createPool(config.databaseUrl, { max: 10, name: `sg-${config.roles.join("-")}` });
  const onLog = (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) =>
    logger[level](fields, message);
  await ensureOperator(pool, config.defaultOperatorId);

  /** Known when it listens: with port 0 not before. */
  const listening = { port: config.port };
  const publicUrl = () => config.publicUrl ?? `http://127.0.0.1:${listening.port}`;
  const box = await ensureSecretBox(pool, config.secretsKey);
  await sealOpenWebhookSecrets(pool, box);
  const pay = createPay(pool, box, {
    ...{ publicUrl, sandbox: config.sandboxPayments ?? false },
    ...(config.mercadoPagoUrl === undefined ? {} : { mercadoPagoUrl: config.mercadoPagoUrl }),
  });
  const ingest = has("ingest")
    ? startIngest({
        pool,
        databaseUrl: config.databaseUrl,
        brokerUrl: config.brokerUrl,
        ...(config.brokerCa === undefined ? {} : { ca: config.brokerCa }),
        ...(config.passOnUrl === undefined ? {} : { passOnUrl: config.passOnUrl }),
        defaultOperatorId: config.defaultOperatorId,
        publicUrl,
        policyKey: await ensureSigningKey(pool, config.policyKey),
        onLog,
      })
    : undefined;
  const mailer = config.mail === undefined ? undefined : createMailer(config.mail);
  const webhooks = { allowPrivate: config.webhookAllowPrivate ?? false };
  const keep = config.keepDays === undefined ? {} : { keep: config.keepDays };
  const jobs = has("jobs")
    ? startJobs({ pool, pay, mailer, webhooks, files: openFileFolder(config.filesDir), onLog, ...keep })
    : undefined;

  const hub = createHub();
  const live = has("api")
    ? listen(config.databaseUrl, ["sg_live"], {
        onNotify: (_channel, payload) => hub.onNotify(payload),
        onGap: () => hub.reset(),
        onLost: (reason) => onLog("warn", "database not reachable: pages are not live", { reason }),
      })
    : undefined;
  const registry = createMetrics(pool, hub, ingest);
  const localUrl = () => config.publicUrl ?? `http://localhost:${listening.port}`;
  const app = await createApp({
    pool,
    hub,
    people: peopleOf(config, pool, localUrl),
    ...(config.people === undefined ? {} : { trustProxy: config.people.trustProxy }),
    pay,
    filesDir: config.filesDir,
    mailFrom: config.mail?.from,
    webhookAllowPrivate: config.webhookAllowPrivate ?? false,
    webRoot: has("api") ? WEB_ROOT : undefined,
    logger,
    async health() {
      const database = await pool.query("select 1").then(
        () => "ok",
        (error: unknown) => describeError(error),
      );
      const broker = ingest === undefined ? "not used" : ingest.linkUp ? "ok" : "not reachable";
      return { status: database === "ok" ? "ok" : "failing", database, broker, roles: config.roles };
    },
    metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  });
  async function stopAll(): Promise<void> {
    hub.stop();
    await app.close();
    await live?.stop();
    await ingest?.stop();
    await jobs?.stop();
    await pool.end();
  }
  try {
    await app.listen({ host: config.host, port: config.port });
  } catch (cause) {
    await stopAll();
    throw new AppError("PORT_IN_USE", `cannot listen on ${config.host}:${config.port}`, {
      cause,
      hint: "another program uses the port: stop it, or set SG_PORT",
    });
  }
  const port = (app.server.address() as { port: number }).port;
  listening.port = port;
  logger.info({ roles: config.roles, port }, "SG started");
  if (has("api"))
    await tellSetupCode(pool, config.defaultOperatorId, config.people?.webUrl ?? localUrl(), logger);

  return {
    port,
    counters: ingest?.counters,
    async stop(): Promise<void> {
      await stopAll();
      logger.info("SG stopped");
    },
  };
}
