/**
 * Signing in: the one file that knows the library which keeps that code (better-auth). Everything else asks
 * for what is written here: a call of one of its endpoints, who a request's session belongs to, what may sign
 * in besides passwords.
 *
 * Invariants: its tables are ours (migration 0013) and no other code of it touches the schema; sessions are
 * read from PostgreSQL at every request, so that a revoked one is dead at once; nobody makes an account by
 * themselves: people are invited, or come from the single sign-on of the operator's own domains; tokens of the
 * single sign-on are not kept; cookies are HttpOnly, SameSite=Lax and, over https, `__Host-` and Secure. A code
 * of an authenticator app counts once. A passkey counts only if the device has verified its owner.
 *
 * Not here: who may do what (`core/access.ts`), attempts (`throttle.ts`), routes (`api/routes/auth.ts`).
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import { passkey } from "@better-auth/passkey";
import { betterAuth } from "better-auth";
import { APIError } from "better-auth/api";
import { genericOAuth, twoFactor } from "better-auth/plugins";
import type { Pool } from "./db/pool.ts";
import { hashPassword, verifyPassword } from "./password.ts";

export type SsoConfig = {
  /** As people read it on the button. */
  name: string;
  discoveryUrl: string;
  clientId: string;
  clientSecret: string;
  /** Domains of e-mail addresses that the provider speaks for. */
  domains: readonly string[];
};

export type MailKind = "password-reset" | "verify-email";
export type SignInLog = (level: "warn" | "error", message: string, fields: Record<string, unknown>) => void;

export type SignInOptions = {
  pool: Pool;
  /** Signs cookies and encrypts second factors. Asked for once, when somebody first signs in. */
  secret: () => Promise<string>;
  /** Whether people come over https: then cookies are Secure. */
  https: boolean;
  sso?: SsoConfig | undefined;
  /** Brings a token to a mailbox, as a link of ours. */
  sendToken: (kind: MailKind, email: string, token: string) => Promise<void>;
  log: SignInLog;
};

/** One call of the library: what came, as far as it may see it. */
export type AuthCall = {
  method: "GET" | "POST";
  /** Below `/v1/auth`. */
  path: string;
  query?: Record<string, string>;
  body?: object;
  /** Scheme, host and port of the page; already checked. */
  origin: string;
  cookie: string | undefined;
  userAgent: string | undefined;
  address: string;
};

export type AuthAnswer = {
  status: number;
  body: Record<string, unknown> | null;
  cookies: string[];
  location: string | undefined;
  retryAfterS: number | undefined;
  /** Whose password was set by the token of a mail. */
  resetOf?: string | undefined;
};

export type SignIn = ReturnType<typeof createSignIn>;

export const AUTH_PATH = "/v1/auth";
export const SSO_ID = "sso";
const ADDRESS_HEADER = "x-moov-client-address";
const SESSION_S = 7 * 86_400;
/** How old a session may be to add a passkey. */
const FRESH_S = 3_600;
const RESET_S = 3_600;
const USER_AGENT_MAX = 300;
/** A provider that could not be reached is asked again, not more often than this. */
const SSO_RETRY_MS = 1_000;
const SSO_MS_MAX = 3_000;

/** Names of the library's fields and of our columns. */
const columns = <T extends string>(...fields: T[]): Record<T, string> =>
  Object.fromEntries(
    fields.map((field) => [field, field.replace(/[A-Z]+/g, (letters) => `_${letters.toLowerCase()}`)]),
  ) as Record<T, string>;

const TIMES = ["createdAt", "updatedAt"] as const;

const cookieNames = (https: boolean) => ({
  cookiePrefix: https ? "__Host-sg" : "sg",
  // The prefix that the library would add is the weaker one: ours binds the cookie to this very host.
  useSecureCookies: false,
  cookies: { session_token: { name: sessionCookie(https) } },
  defaultCookieAttributes: { secure: https, httpOnly: true, sameSite: "lax" as const, path: "/" },
});

export const sessionCookie = (https: boolean): string => (https ? "__Host-sg" : "sg");

function ssoPlugin(sso: SsoConfig) {
  const { discoveryUrl, clientId, clientSecret } = sso;
  return genericOAuth({
    config: [
      {
        providerId: SSO_ID,
        discoveryUrl,
        clientId,
        clientSecret,
        scopes: ["openid", "email", "profile"],
        pkce: true,
        requireIdTokenVerification: true,
        // It is asked for its own domains only, so what it does not deny is verified (Entra ID says nothing).
        mapProfileToUser: (profile) => ({
          name: typeof profile["name"] === "string" ? profile["name"].slice(0, 100) : "",
          emailVerified: profile["email_verified"] !== false,
        }),
      },
    ],
  });
}

const domainOf = (email: string): string => email.slice(email.lastIndexOf("@") + 1).toLowerCase();

/** A code of an authenticator app that has let somebody in lets nobody in again (RFC 6238, 5.2). */
async function useCodeOnce(pool: Pool, userId: string, code: string): Promise<void> {
  const { rowCount } = await pool.query(
    "insert into auth_used_code (user_id, code) values ($1, $2) on conflict do nothing",
    [userId, code],
  );
  if (rowCount === 0) throw new APIError("UNAUTHORIZED", { code: "INVALID_CODE", message: "Invalid code" });
}

/** Whether the provider tells where it is. One that hangs must hold up nobody who signs in by password. */
async function answers(sso: SsoConfig): Promise<boolean> {
  try {
    const response = await fetch(sso.discoveryUrl, { signal: AbortSignal.timeout(SSO_MS_MAX) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** What a call learns from the library's hooks. */
const learnt = new AsyncLocalStorage<Pick<AuthAnswer, "resetOf">>();

function createAuth(options: SignInOptions, secret: string, sso: SsoConfig | undefined) {
  const { pool } = options;
  const verified = (known: { userVerified: boolean } | undefined) => {
    if (known?.userVerified !== true)
      throw new APIError("UNAUTHORIZED", {
        code: "USER_NOT_VERIFIED",
        message: "the device must ask for you",
      });
  };
  return betterAuth({
    appName: "Moov.olt",
    basePath: AUTH_PATH,
    secret,
    database: pool,
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    logger: {
      level: "error",
      log: (level, message) => options.log(level === "error" ? "error" : "warn", "sign-in", { message }),
    },
    onAPIError: { errorURL: "/sign-in" },
    user: {
      modelName: "auth_user",
      fields: columns("emailVerified", ...TIMES),
      validateUserInfo: ({ user, source }) => {
        if (source.method !== "oauth") return;
        const allowed = sso?.domains.includes(domainOf(String(user.email))) === true;
        if (!allowed) return { error: "domain_not_allowed" };
        return user.emailVerified === false ? { error: "email_not_verified" } : undefined;
      },
    },
    session: {
      modelName: "auth_session",
      fields: columns("userId", "expiresAt", "ipAddress", "userAgent", ...TIMES),
      expiresIn: SESSION_S,
      freshAge: FRESH_S,
      cookieCache: { enabled: false },
    },
    account: {
      modelName: "auth_account",
      fields: columns(
        ...(["userId", "providerId", "accountId", "accessToken", "refreshToken", "idToken"] as const),
        ...(["accessTokenExpiresAt", "refreshTokenExpiresAt"] as const),
        ...TIMES,
      ),
      updateAccountOnSignIn: false,
      accountLinking: { enabled: true, trustedProviders: [SSO_ID] },
    },
    verification: {
      modelName: "auth_verification",
      fields: columns("expiresAt", ...TIMES),
      storeIdentifier: "hashed",
    },
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: 1,
      maxPasswordLength: 200,
      password: {
        hash: hashPassword,
        verify: ({ hash, password }) => verifyPassword(password, hash),
      },
      resetPasswordTokenExpiresIn: RESET_S,
      revokeSessionsOnPasswordReset: true,
      sendResetPassword: ({ user, token }) => options.sendToken("password-reset", user.email, token),
      onPasswordReset: async ({ user }) => {
        await mailboxProved(pool, user.id);
        Object.assign(learnt.getStore() ?? {}, { resetOf: user.id });
      },
    },
    emailVerification: {
      sendVerificationEmail: ({ user, token }) => options.sendToken("verify-email", user.email, token),
    },
    databaseHooks: {
      // Pictures from elsewhere are not shown, so they are not kept.
      user: { create: { before: async (user) => ({ data: { ...user, image: null } }) } },
      account: {
        create: {
          before: async (account) => ({
            data: { ...account, accessToken: null, refreshToken: null, idToken: null },
          }),
        },
      },
      session: {
        create: {
          before: async (session, context) => {
            const { code } = (context?.body ?? {}) as { code?: string };
            if (context?.path === "/two-factor/verify-totp" && code !== undefined)
              await useCodeOnce(pool, session.userId, code);
            return { data: { ...session, userAgent: session.userAgent?.slice(0, USER_AGENT_MAX) } };
          },
        },
      },
    },
    plugins: [
      twoFactor({
        issuer: "Moov.olt",
        schema: {
          user: { fields: columns("twoFactorEnabled") },
          twoFactor: {
            modelName: "auth_two_factor",
            fields: columns("userId", "backupCodes", "failedVerificationCount", "lockedUntil"),
          },
        },
      }),
      passkey({
        rpName: "Moov.olt",
        authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
        registration: { afterVerification: ({ verification }) => verified(verification.registrationInfo) },
        authentication: {
          afterVerification: ({ verification }) => verified(verification.authenticationInfo),
        },
        schema: {
          passkey: {
            modelName: "auth_passkey",
            fields: columns("publicKey", "userId", "credentialID", "deviceType", "backedUp", "createdAt"),
          },
        },
      }),
      ...(sso === undefined ? [] : [ssoPlugin(sso)]),
    ],
    advanced: {
      ...cookieNames(options.https),
      database: { generateId: () => randomUUID() },
      ipAddress: { ipAddressHeaders: [ADDRESS_HEADER] },
    },
  });
}

/**
 * Whoever can read a mailbox has it. Was that unknown until now, then somebody else may have made the account
 * with this address and left a passkey or a second factor in it: away with them.
 */
async function mailboxProved(pool: Pool, userId: string): Promise<void> {
  const { rowCount } = await pool.query(
    "update auth_user set email_verified = true, two_factor_enabled = false where id = $1 and not email_verified",
    [userId],
  );
  if (rowCount !== 1) return;
  await pool.query("delete from auth_passkey where user_id = $1", [userId]);
  await pool.query("delete from auth_two_factor where user_id = $1", [userId]);
  await pool.query("delete from auth_account where user_id = $1 and provider_id <> 'credential'", [userId]);
}

async function toAnswer(response: Response): Promise<AuthAnswer> {
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  const retryAfterS = Number(response.headers.get("retry-after") ?? "");
  return {
    status: response.status,
    body: isJson && text !== "" ? (JSON.parse(text) as Record<string, unknown>) : null,
    cookies: response.headers.getSetCookie(),
    location: response.headers.get("location") ?? undefined,
    retryAfterS: retryAfterS > 0 ? retryAfterS : undefined,
  };
}

export function createSignIn(options: SignInOptions) {
  type Auth = ReturnType<typeof createAuth>;
  let made: Promise<Auth> | undefined;
  let retrying: Promise<void> | undefined;
  let triedMs = -Infinity;

  async function make(): Promise<Auth> {
    const { sso } = options;
    const there = sso !== undefined && (await answers(sso)) ? sso : undefined;
    if (there !== sso)
      options.log("warn", "the single sign-on cannot be reached", { url: sso?.discoveryUrl });
    triedMs = performance.now();
    return createAuth(options, await options.secret(), there);
  }

  /** Made when first asked for, so that an application without a database can be described. */
  function auth(): Promise<Auth> {
    if (made === undefined) {
      const making = make();
      made = making;
      making.catch(() => (made = undefined));
    }
    return made;
  }

  /** Tries once more, for all who ask meanwhile; until it is there, what is there goes on. */
  async function retrySso(): Promise<void> {
    const again = await make();
    if (await knowsSso(again)) made = Promise.resolve(again);
  }
  const knowsSso = async (one: Auth): Promise<boolean> =>
    (await one.$context).socialProviders.some((provider) => provider.id === SSO_ID);

  const headersOf = (call: Omit<AuthCall, "method" | "path">): Headers => {
    const headers = new Headers({ [ADDRESS_HEADER]: call.address, origin: call.origin });
    if (call.cookie !== undefined) headers.set("cookie", call.cookie);
    if (call.userAgent !== undefined) headers.set("user-agent", call.userAgent);
    return headers;
  };

  return {
    options,

    async call(call: AuthCall): Promise<AuthAnswer> {
      const url = new URL(`${AUTH_PATH}${call.path}`, call.origin);
      for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value);
      const headers = headersOf(call);
      if (call.body !== undefined) headers.set("content-type", "application/json");
      const body = call.body === undefined ? null : JSON.stringify(call.body);
      const { handler } = await auth();
      const facts: Pick<AuthAnswer, "resetOf"> = {};
      const request = new Request(url, { method: call.method, headers, body });
      const answer = await toAnswer(await learnt.run(facts, () => handler(request)));
      return { ...answer, ...facts };
    },

    /** Whose session the cookies are; nothing is prolonged and no cookie is set. */
    async sessionOf(cookie: string) {
      const { api } = await auth();
      const found = await api.getSession({
        headers: new Headers({ cookie }),
        query: { disableRefresh: true, disableCookieCache: true },
      });
      if (found === null) return undefined;
      const { session, user } = found;
      return {
        userId: user.id,
        email: user.email,
        name: user.name,
        sessionId: session.id,
        emailVerified: user.emailVerified,
        twoFactor: user.twoFactorEnabled === true,
        createdAt: session.createdAt,
      };
    },

    /** Whether the provider of the single sign-on has told where it is. Asks again if it could not be reached. */
    async ssoReady(): Promise<boolean> {
      if (options.sso === undefined) return false;
      if (await knowsSso(await auth())) return true;
      if (retrying === undefined && performance.now() - triedMs < SSO_RETRY_MS) return false;
      retrying ??= retrySso().finally(() => (retrying = undefined));
      await retrying;
      return knowsSso(await auth());
    },
  };
}
