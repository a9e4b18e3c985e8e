/**
 * What the tests of signing in share: the API with mail, browsers with cookies of their own, codes of an
 * authenticator app. Used by tests only.
 */
import { createHmac, randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LightMyRequestResponse } from "fastify";
import type { Role } from "../core/access.ts";
import { inTransaction, type Pool } from "../db/pool.ts";
import type { Pay } from "../pay/providers.ts";
import { addMember, createPerson } from "../people.ts";
import { createApp, type App } from "./app.ts";
import { createHub } from "./live.ts";
import type { PeopleOptions } from "./people.ts";

export type Mail = { to: string; subject: string; text: string };
export type Answer = { status: number; body: Record<string, unknown>; setCookie: string[]; headers: object };

export const PASSWORD = "correct horse battery";

/** The API that writes its mails into a list. */
export async function openPeopleApi(
  pool: Pool,
  options: PeopleOptions = {},
  more: { pay?: Pay } = {},
): Promise<{ app: App; mails: Mail[]; close: () => Promise<void> }> {
  const hub = createHub({ pingMs: 100, flushMs: 20 });
  const mails: Mail[] = [];
  const app = await createApp({
    pool,
    hub,
    webRoot: undefined,
    filesDir: join(tmpdir(), `sg-files-${randomUUID()}`),
    logger: false,
    ...more,
    people: {
      sendMail: async (to, subject, text) => void mails.push({ to, subject, text }),
      localUrl: () => "http://localhost",
      ...options,
    },
    health: async () => ({ status: "ok" }),
    metrics: async () => ({ contentType: "text/plain", text: "" }),
  });
  await app.ready();
  return {
    app,
    mails,
    async close() {
      hub.stop();
      await app.close();
    },
  };
}

export type Browser = ReturnType<typeof openBrowser>;

/** Keeps cookies, and says of each request which page sent it, as browsers do. */
export function openBrowser(app: App, origin = "http://localhost", address = "192.0.2.1") {
  const jar = new Map<string, string>();
  const headers: Record<string, string> = {};

  function keep(lines: string[]): void {
    for (const line of lines) {
      const [pair = "", ...attributes] = line.split(";");
      const [name = "", ...rest] = pair.split("=");
      const gone = attributes.some((a) => /^\s*max-age=0$/i.test(a));
      if (gone) jar.delete(name);
      else jar.set(name, rest.join("="));
    }
  }
  async function send(method: string, url: string, body?: unknown, more: object = {}): Promise<Answer> {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const sent: Record<string, string | undefined> = {
      host: new URL(origin).host,
      ...(cookie === "" ? {} : { cookie }),
      ...(method === "GET" ? {} : { origin }),
      ...headers,
      ...more,
    };
    const response: LightMyRequestResponse = await app.inject({
      method: method as "POST",
      url,
      remoteAddress: address,
      headers: Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== undefined)),
      ...(body === undefined ? {} : { payload: body as object }),
    });
    const setCookie = [response.headers["set-cookie"] ?? []].flat();
    keep(setCookie);
    const json = /json/.test(String(response.headers["content-type"]));
    return {
      status: response.statusCode,
      body: (json ? JSON.parse(response.body) : {}) as Record<string, unknown>,
      setCookie,
      headers: response.headers,
    };
  }
  return {
    jar,
    headers,
    get: (url: string, more?: object) => send("GET", url, undefined, more),
    post: (url: string, body?: unknown, more?: object) => send("POST", url, body, more),
    put: (url: string, body?: unknown, more?: object) => send("PUT", url, body, more),
    patch: (url: string, body?: unknown, more?: object) => send("PATCH", url, body, more),
    delete: (url: string, more?: object) => send("DELETE", url, undefined, more),
    signIn: (email: string, password = PASSWORD) => send("POST", "/v1/auth/sign-in", { email, password }),
  };
}

/** A member of an operator, with the password of all tests. */
export function createMember(
  pool: Pool,
  email: string,
  role: Role,
  options: { operatorId?: string; siteIds?: string[] | null; expiresAt?: Date | null } = {},
): Promise<string> {
  return inTransaction(pool, async (client) => {
    const person = { email, name: email.split("@")[0] ?? "", password: PASSWORD, emailVerified: true };
    const userId = await createPerson(client, person);
    const { operatorId = "default", siteIds = null, expiresAt = null } = options;
    await addMember(client, operatorId, userId, { role, siteIds, expiresAt }, "test");
    return userId;
  });
}

/** The token of the link in a mail or in an answer. */
export const tokenOf = (text: unknown): string => /#token=([\w.-]+)/.exec(String(text))?.[1] ?? "no token";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** What an authenticator app shows for an `otpauth://` address (RFC 6238). */
export function totpOf(uri: string, atMs = Date.now()): string {
  const secret = new URL(uri).searchParams.get("secret") ?? "";
  const bits = Array.from(secret)
    .map((c) => BASE32.indexOf(c).toString(2).padStart(5, "0"))
    .join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(atMs / 30_000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(offset) & 0x7f_ff_ff_ff) % 1_000_000).padStart(6, "0");
}
