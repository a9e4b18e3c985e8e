/**
 * What the environment says of people: where their page is, what signs their cookies, the single sign-on, the
 * proxies in front. Wrong values are named at the start, not at the first sign-in.
 */
import { readFileSync } from "node:fs";
import ipaddr from "ipaddr.js";
import { AppError } from "../shared/errors.ts";
import type { SsoConfig } from "./sign-in.ts";

export type PeopleConfig = {
  /** Where people open the page, without a slash at its end. */
  webUrl?: string;
  authSecret?: string;
  sso?: SsoConfig;
  /** Addresses and networks of proxies that are believed. */
  trustProxy: string[];
};

type Environment = Readonly<Record<string, string | undefined>>;

const SECRET_CHARS_MIN = 32;

const invalid = (message: string, hint?: string) =>
  new AppError("CONFIG_INVALID", message, hint === undefined ? {} : { hint });

function readUrl(name: string, text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw invalid(`${name} is "${text}", not an http(s) address`);
  const { pathname, search, hash } = new URL(text);
  if (pathname !== "/" || search !== "" || hash !== "")
    throw invalid(`${name} is "${text}": the page lives at the root of its host`);
  return text.replace(/\/+$/, "");
}

/** Of a file: nothing secret stands in the environment or on a command line. */
function readSecret(name: string, path: string): string {
  const secret = readFileSync(path, "utf8").trim();
  if (secret === "") throw invalid(`the file of ${name} is empty`);
  return secret;
}

const listOf = (text: string | undefined): string[] =>
  (text ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");

function readSso(env: Environment): SsoConfig | undefined {
  const issuer = env["SG_OIDC_ISSUER"];
  if (issuer === undefined || issuer === "") return undefined;
  const local = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(issuer);
  if (!URL.canParse(issuer) || !(issuer.startsWith("https://") || local))
    throw invalid(`SG_OIDC_ISSUER is "${issuer}", not an https address`);
  const required = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === "")
      throw new AppError("CONFIG_MISSING", `${name} is not set, though SG_OIDC_ISSUER is`);
    return value;
  };
  const domains = listOf(required("SG_OIDC_DOMAINS")).map((domain) => domain.toLowerCase());
  const wrong = domains.find((domain) => !/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(domain));
  if (wrong !== undefined || domains.length === 0)
    throw invalid(
      `SG_OIDC_DOMAINS holds "${wrong ?? ""}"`,
      "domains of e-mail addresses, comma between: example.com",
    );
  return {
    name: env["SG_OIDC_NAME"] ?? new URL(issuer).hostname,
    discoveryUrl: `${issuer.replace(/\/+$/, "")}/.well-known/openid-configuration`,
    clientId: required("SG_OIDC_CLIENT_ID"),
    clientSecret: readSecret("SG_OIDC_CLIENT_SECRET_FILE", required("SG_OIDC_CLIENT_SECRET_FILE")),
    domains,
  };
}

/** @throws AppError CONFIG_INVALID, CONFIG_MISSING. */
export function readPeopleConfig(env: Environment): PeopleConfig {
  // Where nothing else is said, people come the way that ERs do.
  const name = env["SG_WEB_URL"] === undefined ? "SG_PUBLIC_URL" : "SG_WEB_URL";
  const webUrl = env[name];
  const secretFile = env["SG_AUTH_SECRET_FILE"];
  const sso = readSso(env);
  const trustProxy = listOf(env["SG_TRUST_PROXY"]);
  const stranger = trustProxy.find((text) => !ipaddr.isValid(text) && !ipaddr.isValidCIDR(text));
  if (stranger !== undefined)
    throw invalid(`SG_TRUST_PROXY holds "${stranger}"`, "addresses or networks, comma between: 10.0.0.0/8");
  const authSecret = secretFile === undefined ? undefined : readSecret("SG_AUTH_SECRET_FILE", secretFile);
  if (authSecret !== undefined && authSecret.length < SECRET_CHARS_MIN)
    throw invalid(
      `SG_AUTH_SECRET_FILE holds less than ${SECRET_CHARS_MIN} characters`,
      "openssl rand -base64 48",
    );
  return {
    ...(webUrl === undefined || webUrl === "" ? {} : { webUrl: readUrl(name, webUrl) }),
    ...(authSecret === undefined ? {} : { authSecret }),
    ...(sso === undefined ? {} : { sso }),
    trustProxy,
  };
}
