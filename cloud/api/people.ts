/**
 * People in the API: where their page is, who is signed in, what their browser may send, how a mail leaves.
 *
 * Invariants: a write that is vouched for by a cookie comes from the page itself (`Origin`), or is refused;
 * links are made of configured addresses, never of what a request says; who waits for an answer and is not
 * known does not wait for a mail, so that its time tells nothing. Without SMTP no mail is written anywhere:
 * the log says that one was due, and no more.
 */
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import { describeError } from "../../shared/errors.ts";
import { passwordResetMail, verifyEmailMail, type MailText } from "../core/mail-texts.ts";
import { joinedPool } from "../db/joined.ts";
import type { Pool, Queryable } from "../db/pool.ts";
import { ensureAuthSecret } from "../people.ts";
import {
  createSignIn,
  sessionCookie,
  type AuthAnswer,
  type AuthCall,
  type MailKind,
  type SsoConfig,
} from "../sign-in.ts";
import {
  addressGroup,
  countAttempt,
  forgetAttempts,
  uncountAttempt,
  type ThrottleKind,
} from "../throttle.ts";
import type { SessionUser } from "./actor.ts";
import { ApiProblem, TooManyAttempts } from "./problem.ts";

/** Whose doing a mail is, and the transaction that it goes with or not at all. */
export type MailWithin = { client: Queryable; operatorId: string; kind: string };
export type SendMail = (to: string, subject: string, text: string, within?: MailWithin) => Promise<void>;

export type PeopleOptions = {
  /** Where people open the page. Undefined: by plain http, at the address that their browser names. */
  webUrl?: string | undefined;
  /** What links begin with where `webUrl` is not known. */
  localUrl?: () => string;
  /** Signs cookies and encrypts second factors; else the one in the database. */
  secret?: string | undefined;
  sso?: SsoConfig | undefined;
  /** Undefined: mail is not configured. */
  sendMail?: SendMail | undefined;
  /** Whose first owner `GET /v1/setup` speaks of. */
  setupOperatorId?: string;
};

export type SignedIn = SessionUser & { emailVerified: boolean; twoFactor: boolean; createdAt: Date };
export type AfterCall = (answer: AuthAnswer, db: Queryable) => Promise<void>;
export type People = ReturnType<typeof createPeople>;

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Where the page of this request is. Without a configured address it is the host that the browser asked:
 * a page of somebody else cannot name that as its own.
 */
export const originOf = (request: FastifyRequest, webUrl: string | undefined): string =>
  webUrl === undefined ? `http://${request.headers.host ?? "localhost"}` : new URL(webUrl).origin;

/** @throws ApiProblem 403 when the request was sent by another page than ours. */
function checkOrigin(request: FastifyRequest, webUrl: string | undefined): void {
  if (SAFE.has(request.method)) return;
  const { origin, cookie } = request.headers;
  const own = originOf(request, webUrl);
  if (origin === own) return;
  // No browser leaves it out of a write; programs have no cookies.
  if (origin === undefined && cookie === undefined) return;
  const https = webUrl === undefined && origin === own.replace(/^http:/, "https:");
  throw new ApiProblem(
    403,
    "CROSS_ORIGIN",
    https
      ? "this page came over https and the SG does not know it: set SG_WEB_URL to its address"
      : `this was sent by ${origin ?? "no page"}, not by ${own}`,
  );
}

/** The cookies that an answer sets, as a browser would send them back. */
const cookieOf = (answer: AuthAnswer): string =>
  answer.cookies.map((line) => line.split(";", 1)[0] ?? "").join("; ");

function createMailer(options: PeopleOptions, log: FastifyBaseLogger | false) {
  const base = () => options.webUrl ?? options.localUrl?.() ?? "http://localhost:8080";
  return {
    configured: options.sendMail !== undefined,
    /** A page that asks for a sign-in itself. */
    page: (path: string): string => `${base()}${path}`,
    /** The token stands behind `#`: it reaches no server's log. */
    link: (page: string, token: string): string => `${base()}/${page}#token=${token}`,
    /** Leaves with the transaction. @returns whether it does: false without a mail server. */
    async sendWithin(within: MailWithin, to: string, { subject, text }: MailText): Promise<boolean> {
      await options.sendMail?.(to, subject, text, within);
      return options.sendMail !== undefined;
    },
    /** Begins to send, and says in the log how that went. */
    send(to: string, { subject, text }: MailText): void {
      if (options.sendMail === undefined) {
        if (log !== false)
          log.warn({ subject }, "mail is not configured (SMTP_URL): a mail was due and is not sent");
        return;
      }
      options.sendMail(to, subject, text).catch((error: unknown) => {
        if (log !== false) log.error({ reason: describeError(error) }, "a mail could not be sent");
      });
    },
  };
}

export function createPeople(pool: Pool, options: PeopleOptions, log: FastifyBaseLogger | false) {
  const mailer = createMailer(options, log);
  const { webUrl } = options;
  const https = webUrl?.startsWith("https:") === true;
  const cookieName = `${sessionCookie(https)}=`;
  const joined = joinedPool(pool);
  const signIn = createSignIn({
    pool: joined.pool,
    secret: () => ensureAuthSecret(pool, options.secret),
    https,
    sso: options.sso,
    async sendToken(kind: MailKind, email, token) {
      const reset = kind === "password-reset";
      const url = mailer.link(reset ? "reset-password" : "verify-email", token);
      mailer.send(email, reset ? passwordResetMail(url) : verifyEmailMail(url));
    },
    log: (level, message, fields) => (log === false ? undefined : log[level](fields, message)),
  });

  async function readSession(request: FastifyRequest): Promise<SignedIn | undefined> {
    const { cookie } = request.headers;
    if (cookie === undefined || !cookie.includes(cookieName)) return undefined;
    checkOrigin(request, webUrl);
    return signIn.sessionOf(cookie);
  }

  async function count(request: FastifyRequest, kind: ThrottleKind, name?: string): Promise<void> {
    const retryAfterS = await countAttempt(pool, kind, name ?? addressGroup(request.ip));
    if (retryAfterS !== undefined) throw new TooManyAttempts(retryAfterS);
  }
  const here = (request: FastifyRequest, account: string) => `${account} ${addressGroup(request.ip)}`;

  return {
    signIn,
    mailer,
    sso: options.sso,
    setupOperatorId: options.setupOperatorId ?? "default",
    readSession,
    checkOrigin: (request: FastifyRequest): void => checkOrigin(request, webUrl),

    /** @throws ApiProblem 401, 403. */
    async requireSession(request: FastifyRequest): Promise<SignedIn> {
      if (request.headers.authorization !== undefined)
        throw new ApiProblem(403, "PEOPLE_ONLY", "this belongs to a person who is signed in, not to a key");
      const found = await readSession(request);
      if (found !== undefined) return found;
      throw new ApiProblem(401, "NO_SESSION", "sign in first");
    },

    /**
     * Calls the library for a request, with its cookies.
     * @param after what is written with what the library writes, or neither is; also when it has refused.
     */
    call(
      request: FastifyRequest,
      method: AuthCall["method"],
      path: string,
      { after, ...more }: Pick<AuthCall, "body" | "query"> & { after?: AfterCall } = {},
    ): Promise<AuthAnswer> {
      const { cookie, "user-agent": userAgent } = request.headers;
      const origin = originOf(request, webUrl);
      const call = () =>
        signIn.call({ method, path, origin, cookie, userAgent, address: request.ip, ...more });
      if (after === undefined) return call();
      return joined.run(async () => {
        const answer = await call();
        await after(answer, joined.db);
        return answer;
      });
    },

    /** Who is signed in by what an answer sets. */
    signedInBy: (answer: AuthAnswer) => signIn.sessionOf(cookieOf(answer)),

    /** @throws ApiProblem 429. */
    count,

    /**
     * A try at a password, whether anybody has the name or not. What is closed here counts no further.
     * @throws ApiProblem 429.
     */
    async countPassword(request: FastifyRequest, account: string): Promise<void> {
      await count(request, "account-here", here(request, account));
      await count(request, "account", account);
    },

    /** It was the right one. What others have tried elsewhere still counts. */
    async rightPassword(request: FastifyRequest, account: string): Promise<void> {
      await forgetAttempts(pool, "account-here", here(request, account));
      await uncountAttempt(pool, "account", account);
    },
  };
}

/** For the schema of what belongs to a person and to no operator: no key may do it. */
export const ownSession = { security: [{ session: [] as string[] }] };

/** Words for what the library refuses. What is not here is told by its own words. */
const WORDS: Record<string, readonly [code: string, detail: string]> = {
  INVALID_EMAIL_OR_PASSWORD: ["WRONG_CREDENTIALS", "the e-mail address or the password is wrong"],
  INVALID_EMAIL: ["INVALID_EMAIL", "this is not an e-mail address as we take them: a-z, 0-9 and . _ + - @"],
  INVALID_PASSWORD: ["WRONG_PASSWORD", "the password is wrong"],
  INVALID_CODE: ["WRONG_CODE", "the code is wrong, or was used before: wait for the next one"],
  INVALID_BACKUP_CODE: ["WRONG_CODE", "the backup code is wrong, or was used before"],
  INVALID_TWO_FACTOR_COOKIE: ["SIGN_IN_AGAIN", "the time for the second factor is over: sign in again"],
  TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE: ["SIGN_IN_AGAIN", "too many wrong codes: sign in again"],
  INVALID_TOKEN: ["LINK_USED_UP", "this link was used, or its time is over: ask for a new one"],
  TOKEN_EXPIRED: ["LINK_USED_UP", "this link was used, or its time is over: ask for a new one"],
  SESSION_NOT_FRESH: ["SIGN_IN_AGAIN", "this needs somebody who has just signed in: sign in again"],
  USER_NOT_VERIFIED: [
    "PASSKEY_UNVERIFIED",
    "the device did not ask who you are: set a PIN or a finger print",
  ],
  PASSKEY_NOT_FOUND: ["PASSKEY_REFUSED", "this passkey is not known here"],
  AUTHENTICATION_FAILED: ["PASSKEY_REFUSED", "this passkey was not accepted"],
  FAILED_TO_VERIFY_REGISTRATION: ["PASSKEY_REFUSED", "this passkey was not accepted"],
  CHALLENGE_NOT_FOUND: ["SIGN_IN_AGAIN", "the time for this is over: begin again"],
};
/** A passkey that cannot be read makes the library stumble; that is the sender's mistake. */
const BAD_PASSKEY = new Set([
  "FAILED_TO_VERIFY_REGISTRATION",
  "AUTHENTICATION_FAILED",
  "UNABLE_TO_CREATE_SESSION",
]);

/**
 * Passes on what an answer sets. @throws ApiProblem when the library refused.
 * @returns its body, which is for us and not for the browser: it holds the session's token.
 */
export function passOn(reply: FastifyReply, answer: AuthAnswer): Record<string, unknown> {
  void reply.header("Cache-Control", "no-store");
  if (answer.cookies.length > 0) void reply.header("Set-Cookie", answer.cookies);
  if (answer.status < 400) return answer.body ?? {};
  const { code: theirs, message } = (answer.body ?? {}) as { code?: string; message?: string };
  if (answer.status === 429) throw new TooManyAttempts(answer.retryAfterS ?? 900);
  const [code, detail] = WORDS[theirs ?? ""] ?? [theirs ?? "SIGN_IN_REFUSED", message ?? "this was refused"];
  if (answer.status < 500) throw new ApiProblem(answer.status, code, detail);
  if (BAD_PASSKEY.has(theirs ?? "")) throw new ApiProblem(400, code, detail);
  throw new Error(`sign-in: ${theirs ?? answer.status}`);
}
