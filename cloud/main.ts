/**
 * sg api | ingest | jobs | all | migrate | key | owner | invite | policy-key: the command line of the SG.
 *
 * Configured by the environment, since it runs in containers: DATABASE_URL, BROKER_URL, SG_HOST, SG_PORT,
 * SG_OPERATOR, LOG_LEVEL, BROKER_CA_FILE for a broker with a private CA, SG_POLICY_KEY_FILE for a key
 * of one's own that signs policies.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import pino from "pino";
import { AppError, describeError } from "../shared/errors.ts";
import { readKeepDays } from "./core/retention.ts";
import { migrate } from "./db/migrate.ts";
import { managePolicyKeys } from "./ingest/policy-keys.ts";
import { readSecretsKey } from "./pay/secrets.ts";
import { checkMailConfig } from "./mail.ts";
import { readPeopleConfig } from "./people-config.ts";
import { issueApiKey, issueInvitation, ROLES, startSg, type Role, type SgConfig } from "./sg.ts";

const USAGE = `sg: the cloud half of Moov.olt

  sg api | ingest | jobs | all     run one role, or all of them in one program
  sg migrate                       bring the database to this release
  sg key [--operator O] [--name N] make an API key and print it, once
  sg owner --email E [--operator O] print a link that makes somebody an owner, or lets one in again who lost
                                   password or second factor
  sg invite --email E --role R     … the same for another role
  sg policy-key                    list the keys that sign policies
       --new | --announce FILE     … ERs learn to trust one more: made in the database, or that of a PEM file
       --use KEY                   … sign with it, from the next start of the ingest on
       --retire KEY                … stop trusting it

Environment, what is needed:
  DATABASE_URL, BROKER_URL (amqp:// amqps:// mqtt:// mqtts://)
where it is reached:
  SG_HOST (127.0.0.1), SG_PORT (8080), SG_TRUST_PROXY (addresses of proxies in front)
  SG_PUBLIC_URL (where ERs, guests and payment providers reach the API, http://127.0.0.1:<SG_PORT>)
  SG_WEB_URL (where people open the page, https://…; SG_PUBLIC_URL)
who signs in:
  SG_OPERATOR (default), SG_AUTH_SECRET_FILE (signs cookies; else one in the database)
  SG_OIDC_ISSUER, SG_OIDC_CLIENT_ID, SG_OIDC_CLIENT_SECRET_FILE, SG_OIDC_DOMAINS, SG_OIDC_NAME (single sign-on)
keys and files:
  BROKER_CA_FILE, SG_POLICY_KEY_FILE (Ed25519, PEM; else a key in the database)
  SG_SECRETS_KEY_FILE (32 bytes that seal the secrets of payment providers; else a key in the database)
  SG_FILES_DIR (firmware, logs and exports; $STATE_DIRECTORY/files or ./files)
others it speaks to:
  SMTP_URL (smtp:// smtps://; without it mails wait), MAIL_FROM (their sender)
  SG_PASS_ON_URL (service that answers for cars' certificates, ISO 15118)
  SG_KEEP_DAYS (timeline=400 samples=400 health=90 alarms=400 guests=400 webhooks=30 mails=90)
  SG_WEBHOOK_ALLOW_PRIVATE (1: webhooks also to http and to private addresses)
  SG_SANDBOX_PAYMENTS (1: payments that move no money, for demonstrations; not with NODE_ENV=production)
and LOG_LEVEL (info).
`;

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") {
    throw new AppError("CONFIG_MISSING", `${name} is not set`, { hint: "sg --help lists the environment" });
  }
  return value;
}

function readPort(): number {
  const text = process.env["SG_PORT"] ?? "8080";
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new AppError("CONFIG_INVALID", `SG_PORT is "${text}", not a port number`);
  }
  return port;
}

function checkUrl(name: string, text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text;
  throw new AppError("CONFIG_INVALID", `${name} is "${text}", not an http(s) address`);
}

function readConfig(roles: readonly Role[]): SgConfig {
  const caFile = process.env["BROKER_CA_FILE"];
  const keyFile = process.env["SG_POLICY_KEY_FILE"];
  const secretsKeyFile = process.env["SG_SECRETS_KEY_FILE"];
  const passOnUrl = process.env["SG_PASS_ON_URL"];
  const publicUrl = process.env["SG_PUBLIC_URL"];
  const smtpUrl = process.env["SMTP_URL"];
  return {
    roles,
    databaseUrl: required("DATABASE_URL"),
    brokerUrl: roles.includes("ingest") ? required("BROKER_URL") : "",
    ...(caFile === undefined ? {} : { brokerCa: readFileSync(caFile, "utf8") }),
    ...(passOnUrl === undefined ? {} : { passOnUrl: checkUrl("SG_PASS_ON_URL", passOnUrl) }),
    ...(keyFile === undefined ? {} : { policyKey: readFileSync(keyFile, "utf8") }),
    ...(secretsKeyFile === undefined ? {} : { secretsKey: readSecretsKey(readFileSync(secretsKeyFile)) }),
    sandboxPayments: process.env["SG_SANDBOX_PAYMENTS"] === "1",
    ...(smtpUrl === undefined || smtpUrl === ""
      ? {}
      : { mail: checkMailConfig(smtpUrl, process.env["MAIL_FROM"]) }),
    webhookAllowPrivate: process.env["SG_WEBHOOK_ALLOW_PRIVATE"] === "1",
    keepDays: readKeepDays(process.env["SG_KEEP_DAYS"]),
    ...(publicUrl === undefined
      ? {}
      : { publicUrl: checkUrl("SG_PUBLIC_URL", publicUrl).replace(/\/+$/, "") }),
    filesDir: resolve(process.env["SG_FILES_DIR"] ?? join(process.env["STATE_DIRECTORY"] ?? ".", "files")),
    host: process.env["SG_HOST"] ?? "127.0.0.1",
    port: readPort(),
    defaultOperatorId: process.env["SG_OPERATOR"] ?? "default",
    people: readPeopleConfig(process.env),
  };
}

async function run(roles: readonly Role[]): Promise<void> {
  const logger = pino({ level: process.env["LOG_LEVEL"] ?? "info" });
  const sg = await startSg(readConfig(roles), logger);
  const stop = () => void sg.stop().then(() => process.exit(0));
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

/** The link for somebody who is to come in, or to come in again. */
async function invite(operatorId: string, email: string | undefined, role: string): Promise<string> {
  if (email === undefined || !/^[^@\s]+@[^@\s]+$/.test(email))
    throw new AppError("ARGUMENT_MISSING", "--email says whom the link is for");
  const link = await issueInvitation(required("DATABASE_URL"), operatorId, email, role);
  const { webUrl } = readPeopleConfig(process.env);
  return `${webUrl ?? `http://localhost:${readPort()}`}/invitation#token=${link}`;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      operator: { type: "string" },
      name: { type: "string" },
      email: { type: "string" },
      role: { type: "string" },
      new: { type: "boolean" },
      announce: { type: "string" },
      use: { type: "string" },
      retire: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [command] = positionals;
  if (values.help === true) return void console.log(USAGE);
  switch (command) {
    case "all":
      return run(ROLES);
    case "api":
    case "ingest":
    case "jobs":
      return run([command]);
    case "migrate": {
      const applied = await migrate(required("DATABASE_URL"));
      console.log(applied.length === 0 ? "the database is up to date" : `applied ${applied.join(", ")}`);
      return;
    }
    case "key":
      console.log(
        await issueApiKey(required("DATABASE_URL"), values.operator ?? "default", values.name ?? "cli"),
      );
      return;
    case "owner":
    case "invite": {
      const role = command === "owner" ? "owner" : (values.role ?? "");
      console.log(
        await invite(values.operator ?? process.env["SG_OPERATOR"] ?? "default", values.email, role),
      );
      return;
    }
    case "policy-key": {
      const { new: make, announce, use, retire } = values;
      const file = announce === undefined ? undefined : readFileSync(announce, "utf8");
      console.log(await managePolicyKeys(required("DATABASE_URL"), { make, announce: file, use, retire }));
      return;
    }
    default:
      console.error(USAGE);
      process.exitCode = 2;
  }
}

main().catch((error: unknown) => {
  const hint = error instanceof AppError && error.hint !== undefined ? `\n  what to do: ${error.hint}` : "";
  console.error(`sg: ${error instanceof AppError ? `${error.code}: ` : ""}${describeError(error)}${hint}`);
  process.exit(1);
});
