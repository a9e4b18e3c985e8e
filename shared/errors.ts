/**
 * Operating errors: what happened, to what, and what to do about it.
 *
 * `code` is stable and safe to match on (it appears in logs, HTTP problems and command outcomes).
 * Programmer errors are not AppErrors: they are thrown by `assert` and end the process, so that the
 * supervisor restarts it from a known state.
 */
export class AppError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.hint = options.hint;
  }
}

/** Stops the process on a broken invariant: a bug, never bad input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}

/** Marks a `switch` as exhaustive: the compiler complains when a case is missing. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}

/** The message of anything that was thrown, with its cause, on one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.message !== "" ? error.message : ((error as { code?: string }).code ?? error.name);
  const cause = error.cause === undefined ? "" : ` (${describeError(error.cause)})`;
  const inner =
    error instanceof AggregateError && error.message === ""
      ? error.errors.map(describeError).join("; ")
      : text;
  return `${inner}${cause}`;
}
