/**
 * The one file in a multipart/form-data body (RFC 7578), as it streams by: nothing but a boundary's length and
 * the headers of a part is held. Other parts are passed over; a second file is left unread.
 */
import { AppError } from "../../shared/errors.ts";

const HEADER_BYTES_MAX = 8 * 1024;
const BEHIND_BYTES_MAX = 64 * 1024;
const CRLF = Buffer.from("\r\n");
const HEADERS_END = Buffer.from("\r\n\r\n");

/** The boundary that a Content-Type tells, or undefined when it is no multipart/form-data. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  const match =
    /^multipart\/form-data\s*;.*?\bboundary=(?:"([^"\r\n]{1,70})"|([^\s;,"]{1,70})(?=[\s;,]|$))/i.exec(
      contentType ?? "",
    );
  return match?.[1] ?? match?.[2];
}

const broken = (what: string) => new AppError("MULTIPART_BROKEN", `the multipart body ${what}`);

/** File name of a part; undefined: it is no file. */
function fileNameOf(headers: string): string | undefined {
  const line = /^content-disposition:(.*)$/im.exec(headers)?.[1] ?? "";
  return /;\s*filename="((?:[^"\\]|\\.)*)"/i.exec(line)?.[1] ?? /;\s*filename=([^\s;"]+)/i.exec(line)?.[1];
}

type State = "between" | "delimiter" | "headers" | "file" | "done";

/**
 * Yields the bytes of the first part that has a file name.
 * @param onName called before the first bytes, also for an empty file.
 * @throws AppError MULTIPART_BROKEN: no file in it, cut off, headers without end.
 */
export async function* readMultipartFile(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
  onName: (name: string) => void,
): AsyncGenerator<Buffer> {
  const delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
  // The first boundary has no line break before it.
  let held: Buffer = Buffer.from(CRLF);
  let state = "between" as State;
  let behind = 0;

  /** One step over what is held. @returns bytes of the file, or undefined: more is needed. */
  function advance(): Buffer | undefined {
    switch (state) {
      case "between":
      case "file": {
        const at = held.indexOf(delimiter);
        const found = at >= 0;
        const take = found ? at : Math.max(0, held.length - delimiter.length);
        const bytes = held.subarray(0, take);
        held = held.subarray(found ? at + delimiter.length : take);
        const inFile = state === "file";
        if (found) state = inFile ? "done" : "delimiter";
        else if (take === 0) return undefined;
        return inFile ? bytes : Buffer.alloc(0);
      }
      case "delimiter": {
        if (held.length < 2) return undefined;
        if (held.subarray(0, 2).toString("latin1") === "--") throw broken("has no file");
        const at = held.indexOf(CRLF);
        if (at < 0 && held.length > HEADER_BYTES_MAX) throw broken("has a boundary without end");
        if (at < 0) return undefined;
        // The line break stays: a part without headers begins with an empty line.
        held = held.subarray(at);
        state = "headers";
        return Buffer.alloc(0);
      }
      case "headers": {
        const at = held.indexOf(HEADERS_END);
        if (at < 0 && held.length > HEADER_BYTES_MAX) throw broken("has headers without end");
        if (at < 0) return undefined;
        const name = fileNameOf(held.subarray(0, at).toString("utf8"));
        held = held.subarray(at + HEADERS_END.length);
        state = name === undefined ? "between" : "file";
        if (name !== undefined) onName(name);
        return Buffer.alloc(0);
      }
      case "done":
        return undefined;
    }
  }

  for await (const chunk of body) {
    if (state === "done") {
      // What comes behind is read, so that the answer is heard; not for ever.
      if ((behind += chunk.length) > BEHIND_BYTES_MAX) return;
      continue;
    }
    held = Buffer.concat([held, chunk]);
    for (let bytes = advance(); bytes !== undefined; bytes = advance()) {
      if (bytes.length > 0) yield bytes;
    }
  }
  if (state !== "done") throw broken(state === "file" ? "was cut off" : "has no file");
}
