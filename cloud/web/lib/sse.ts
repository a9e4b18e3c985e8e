/**
 * Server-sent events out of a byte stream (WHATWG HTML §9.2.6), because `EventSource` cannot send the
 * `Authorization` header. Pure: bytes in, events out; the connection is kept in live.ts.
 */
export type SseEvent = { id: string | null; event: string; data: string };

/** Text of a line longer than this is not an event of ours: the buffer is dropped instead of growing. */
const BUFFER_CHARS_MAX = 256 * 1024;

/** Makes a parser: hand it text as it arrives, it returns the events that are complete. */
export function createSseParser(): (text: string) => SseEvent[] {
  let buffer = "";
  let id: string | null = null;
  let event = "";
  let data: string[] = [];

  function line(text: string): SseEvent | null {
    if (text === "") {
      const done =
        data.length === 0 ? null : { id, event: event === "" ? "message" : event, data: data.join("\n") };
      event = "";
      data = [];
      return done;
    }
    const colon = text.indexOf(":");
    const field = colon === -1 ? text : text.slice(0, colon);
    const value = colon === -1 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "event") event = value;
    else if (field === "id" && !value.includes("\0")) id = value;
    return null;
  }

  return (text) => {
    buffer += text;
    // A CR at the very end may be half of a CRLF: it waits for the next text.
    const lines = buffer.split(/\r\n|\n|\r(?!$)/);
    buffer = lines.pop() ?? "";
    if (buffer.length > BUFFER_CHARS_MAX) buffer = "";
    return lines.map(line).filter((done) => done !== null);
  };
}
