/**
 * Errors of the API: RFC 9457 problems with stable codes. Thrown anywhere below a route, turned into a
 * response once.
 *
 * 400 the request is wrong, or a value in it cannot be stored · 401 no or unknown key · 404 not there, or
 * not yours · 409 the same request is under way · 422 Idempotency-Key used with another body · 429 too many
 * · 503 try again.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { describeError } from "../../shared/errors.ts";
import type { Problem } from "./schemas.ts";

const TITLES: Record<number, string> = {
  400: "Bad request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not found",
  409: "Conflict",
  410: "Gone",
  412: "Precondition failed",
  413: "Too large",
  415: "Unsupported media type",
  416: "Range not satisfiable",
  422: "Unprocessable",
  428: "Precondition required",
  429: "Too many requests",
  500: "Internal error",
  503: "Service unavailable",
  507: "Insufficient storage",
};

export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: { pointer: string; message: string }[] | undefined;

  constructor(status: number, code: string, detail: string, errors?: { pointer: string; message: string }[]) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = errors;
  }
}

/** Who tries too often is told when to come back. */
export class TooManyAttempts extends ApiProblem {
  readonly retryAfterS: number;

  constructor(retryAfterS: number) {
    super(429, "TOO_MANY_ATTEMPTS", `too many attempts: come back in ${Math.ceil(retryAfterS / 60)} min`);
    this.retryAfterS = retryAfterS;
  }
}

export const notFound = (what: string, id: string) =>
  new ApiProblem(404, "NOT_FOUND", `there is no ${what} "${id}"`);

function toProblem(error: FastifyError | ApiProblem): {
  status: number;
  code: string;
  detail: string;
  errors?: Problem["errors"];
} {
  if (error instanceof ApiProblem) {
    const { status, code, message: detail, errors } = error;
    return { status, code, detail, ...(errors === undefined ? {} : { errors }) };
  }
  if (error.validation !== undefined) {
    const errors = error.validation.map((v) => ({
      pointer: `/${error.validationContext ?? "body"}${v.instancePath}`,
      message: [v.message ?? "is invalid", v.params["additionalProperty"]].filter(Boolean).join(": "),
    }));
    return { status: 400, code: "INVALID_REQUEST", detail: error.message, errors };
  }
  const status = error.statusCode ?? 500;
  if (status < 500) return { status, code: error.code, detail: error.message };
  // PostgreSQL could not take a value as it came from the client: NUL in a text, a date that no calendar
  // has, …
  if (/^22...$/.test(error.code)) return { status: 400, code: "INVALID_VALUE", detail: error.message };
  const away = /ECONN|ETIMEDOUT|57P0|terminat|timeout exceeded|Connection/.test(
    `${error.code} ${error.message}`,
  );
  return away
    ? { status: 503, code: "DATABASE_AWAY", detail: "the database cannot be reached; try again in a moment" }
    : {
        status: 500,
        code: "INTERNAL",
        detail: "something broke on our side; the id in `instance` finds it in the log",
      };
}

export function sendProblem(
  error: FastifyError | ApiProblem,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, code, detail, errors } = toProblem(error);
  if (status >= 500)
    request.log.error({ code, reason: describeError(error), stack: error.stack }, "request failed");
  const retryAfterS = error instanceof TooManyAttempts ? error.retryAfterS : status === 503 ? 2 : 60;
  if (status === 503 || status === 429) void reply.header("Retry-After", String(retryAfterS));
  const problem: Problem = {
    type: `urn:moov-olt:problem:${code.toLowerCase().replaceAll("_", "-")}`,
    title: TITLES[status] ?? "Error",
    status,
    code,
    detail,
    instance: request.id,
    ...(errors === undefined ? {} : { errors }),
  };
  return reply.code(status).type("application/problem+json").send(JSON.stringify(problem));
}
