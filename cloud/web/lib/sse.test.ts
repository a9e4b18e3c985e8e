/** Server-sent events out of text that arrives in any pieces. */
import { describe, expect, it } from "vitest";
import { fc } from "../../../sim/services/property.ts";
import { createSseParser } from "./sse.ts";

const parseAll = (...pieces: string[]) => {
  const parse = createSseParser();
  return pieces.flatMap(parse);
};

describe("createSseParser", () => {
  it("reads id, event and data", () => {
    expect(parseAll('id: b-7\nevent: station\ndata: {"type":"station"}\n\n')).toEqual([
      { id: "b-7", event: "station", data: '{"type":"station"}' },
    ]);
  });

  it("joins several data lines and drops comments", () => {
    expect(parseAll(": ping\n\ndata: a\ndata:b\n\n")).toEqual([{ id: null, event: "message", data: "a\nb" }]);
  });

  it("keeps the last id for events that have none", () => {
    expect(parseAll("id: 1\ndata: a\n\ndata: b\n\n").map(({ id }) => id)).toEqual(["1", "1"]);
  });

  it("holds back an event until its empty line has come", () => {
    const parse = createSseParser();
    expect(parse("data: a\n")).toEqual([]);
    expect(parse("\n")).toHaveLength(1);
  });

  it("forgets a line that never ends instead of keeping it", () => {
    const parse = createSseParser();
    parse(`data: ${"x".repeat(300_000)}`);
    expect(parse("\n\ndata: a\n\n")).toEqual([{ id: null, event: "message", data: "a" }]);
  });

  it("reads the same events however the text is cut and whichever line ends it has", () => {
    const events = fc.array(
      fc.record({ id: fc.stringMatching(/^[a-z0-9-]{1,8}$/), data: fc.stringMatching(/^[a-z{}":,]{1,20}$/) }),
    );
    fc.assert(
      fc.property(
        events,
        fc.constantFrom("\n", "\r\n", "\r"),
        fc.array(fc.nat({ max: 12 })),
        (given, end, cuts) => {
          let rest =
            given.map(({ id, data }) => `id: ${id}${end}data: ${data}${end}${end}`).join("") + `: end${end}`;
          const pieces = cuts.map((cut) => {
            const piece = rest.slice(0, cut);
            rest = rest.slice(cut);
            return piece;
          });
          const expected = given.map(({ id, data }) => ({ id, event: "message", data }));
          expect(parseAll(...pieces, rest, "x")).toEqual(expected);
        },
      ),
    );
  });
});
