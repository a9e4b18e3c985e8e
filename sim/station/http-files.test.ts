/** A station's way to files, over real HTTP. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { httpFiles } from "./http-files.ts";

const left: { method: string; url: string; body: string }[] = [];

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}

const server = createServer((request, response) => {
  const { method = "", url = "" } = request;
  if (url === "/gone") return void response.writeHead(404).end("not here");
  if (method === "GET") return void response.end("2.0.0\nfirmware");
  void bodyOf(request).then((body) => {
    left.push({ method, url, body });
    response.end();
  });
});
let base = "";

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const upload = (location: string) =>
  new Promise<string | undefined>((done) =>
    httpFiles.upload({ location, name: "a b.log", text: "hello" }, done),
  );
const download = (location: string) =>
  new Promise<Uint8Array | { failure: string }>((done) => httpFiles.download(location, done));

test("puts a file under its name where the address is a folder, else where it says", async () => {
  expect(await upload(`${base}/up/`)).toBeUndefined();
  expect(await upload(`${base}/up/log`)).toBeUndefined();
  expect(left).toEqual([
    { method: "PUT", url: "/up/a%20b.log", body: "hello" },
    { method: "PUT", url: "/up/log", body: "hello" },
  ]);
});

test("fetches a file whole; every failure comes in words", async () => {
  expect(Buffer.from((await download(`${base}/fw`)) as Uint8Array).toString()).toBe("2.0.0\nfirmware");
  expect(await download(`${base}/gone`)).toEqual({ failure: "HTTP 404" });
  expect(await upload(`${base}/gone`)).toBe("HTTP 404");
  expect(await download("ftp://box/fw")).toMatchObject({ failure: expect.stringContaining("over HTTP") });
  expect(await download("http://127.0.0.1:1/fw")).toHaveProperty("failure");
});
