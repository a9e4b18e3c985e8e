/** The file in a multipart body, however the network cuts it. */
import { describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import { boundaryOf, readMultipartFile } from "./file-multipart.ts";

async function* cut(body: Buffer, sizes: number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let i = 0; at < body.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield body.subarray(at, at + size);
    at += size;
  }
}

async function read(body: Buffer, boundary: string, sizes = [body.length]) {
  let name: string | undefined;
  const parts: Buffer[] = [];
  for await (const bytes of readMultipartFile(cut(body, sizes), boundary, (told) => (name = told)))
    parts.push(Buffer.from(bytes));
  return { name, bytes: Buffer.concat(parts) };
}

const form = (boundary: string, file: Buffer, more = "") =>
  Buffer.concat([
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n`),
    Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="f"; filename="log.tgz"\r\n`),
    Buffer.from("Content-Type: application/octet-stream\r\n\r\n"),
    file,
    Buffer.from(`\r\n--${boundary}--\r\n${more}`),
  ]);

describe("a multipart body", () => {
  test("gives its file byte for byte, whatever is in it and however it is cut", async () => {
    const pieces = fc.constantFrom("\r", "\n", "\r\n", "-", "--", "B", "\r\n--", "\r\n--B", "x", "\0");
    const content = fc.array(pieces, { maxLength: 40 }).map((list) => list.join(""));
    await fc.assert(
      fc.asyncProperty(
        content,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (text, sizes) => {
          const boundary = "BOUND";
          const file = Buffer.from(text.replaceAll(`\r\n--${boundary}`, ""));
          const got = await read(form(boundary, file, "epilogue"), boundary, sizes);
          expect(got).toEqual({ name: "log.tgz", bytes: file });
        },
      ),
      { numRuns: scaled(300) },
    );
  });

  test("the first file counts, with or without text before it; a preamble is passed over", async () => {
    const two = Buffer.concat([
      Buffer.from("preamble\r\n--X\r\nContent-Disposition: form-data; name=a; filename=first\r\n\r\none\r\n"),
      Buffer.from(
        '--X\r\nContent-Disposition: form-data; name="b"; filename="second"\r\n\r\ntwo\r\n--X--\r\n',
      ),
    ]);
    expect(await read(two, "X")).toEqual({ name: "first", bytes: Buffer.from("one") });
  });

  test.each([
    ["without a file", '--X\r\nContent-Disposition: form-data; name="a"\r\n\r\nhello\r\n--X--\r\n'],
    ["cut off", '--X\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\nhello'],
    ["of nothing", ""],
    ["with headers without end", `--X\r\n${"a".repeat(20_000)}`],
    ["with a boundary line without end", `--X${" ".repeat(20_000)}`],
  ])("%s is refused", async (_what, text) => {
    await expect(read(Buffer.from(text), "X", [7])).rejects.toMatchObject({ code: "MULTIPART_BROKEN" });
  });

  test("its boundary stands in the Content-Type, quoted or not", () => {
    expect(boundaryOf("multipart/form-data; boundary=abc")).toBe("abc");
    expect(boundaryOf('Multipart/Form-Data; charset=utf-8; boundary="a b"')).toBe("a b");
    expect(boundaryOf("application/octet-stream")).toBeUndefined();
    expect(boundaryOf(`multipart/form-data; boundary=${"x".repeat(71)}`)).toBeUndefined();
  });
});
