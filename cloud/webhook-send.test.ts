/** Webhooks against servers that mean no good, on the wire. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { randomBytes, randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, test } from "vitest";
import { WEBHOOK_RESPONSE_KEPT_MAX } from "../shared/limits.ts";
import { retryAfterMs, sendWebhook, succeeded, type Outgoing, type WebhookSettings } from "./webhook-send.ts";
import { isPublicAddress, refusalOf, type Address } from "./webhook-target.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

type Seen = { headers: IncomingMessage["headers"]; body: string; path: string };

/** A server on 127.0.0.1 that keeps what it was asked, and then answers. */
async function openServer(answer: RequestListener = (_req, res) => void res.end()) {
  const seen: Seen[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    response.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      seen.push({ headers: request.headers, body, path: request.url ?? "" });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

const secret = () => `whsec_${randomBytes(32).toString("base64")}`;
const outgoing = (url: string, secrets = [secret()]): Outgoing => ({
  eventId: randomUUID(),
  url,
  secrets,
  body: JSON.stringify({ type: "webhook.test", timestamp: "2026-05-04T12:00:00Z", data: { ação: 1 } }),
});
const LAB: WebhookSettings = { allowPrivate: true, timeoutMs: 20_000 };
const PUBLIC: WebhookSettings = { allowPrivate: false, timeoutMs: 20_000 };

describe("what is sent", () => {
  test("a signed body that the library of the receivers takes, with either secret", async () => {
    const { port, seen } = await openServer((_req, res) => void res.writeHead(204).end());
    const [fresh, old] = [secret(), secret()];
    const event = outgoing(`http://127.0.0.1:${port}/hook?a=1`, [fresh, old]);
    expect(succeeded(await sendWebhook(event, LAB))).toBe(true);
    const [request] = seen;
    expect(request?.path).toBe("/hook?a=1");
    expect(request?.headers["webhook-id"]).toBe(event.eventId);
    const headers = request?.headers as Record<string, string>;
    for (const key of [fresh, old])
      expect(new Webhook(key).verify(request?.body ?? "", headers)).toMatchObject({ data: { ação: 1 } });
    expect(() => new Webhook(secret()).verify(request?.body ?? "", headers)).toThrow();
    expect(() => new Webhook(fresh).verify(`${request?.body} `, headers)).toThrow();
  });

  test.each([301, 302, 307, 308])("%s is a failure: nothing is sent on", async (status) => {
    const inside = await openServer();
    const { port } = await openServer(
      (_req, res) => void res.writeHead(status, { location: `http://127.0.0.1:${inside.port}/` }).end(),
    );
    const answer = await sendWebhook(outgoing(`http://127.0.0.1:${port}/`), LAB);
    expect(answer).toMatchObject({ status });
    expect(succeeded(answer)).toBe(false);
    expect(inside.seen).toEqual([]);
  });

  test("what a busy endpoint asks for is heard; a success has nothing to ask", async () => {
    const { port } = await openServer(
      (req, res) => void res.writeHead(req.url === "/busy" ? 503 : 200, { "retry-after": "120" }).end("x"),
    );
    const busy = await sendWebhook(outgoing(`http://127.0.0.1:${port}/busy`), LAB);
    expect(busy).toEqual({ status: 503, retryAfterMs: 120_000, response: "x" });
    expect(await sendWebhook(outgoing(`http://127.0.0.1:${port}/`), LAB)).toEqual({
      status: 200,
      response: "x",
    });
  });

  test("Retry-After in every form, and in none", () => {
    const now = Date.UTC(2026, 4, 4, 12);
    expect(retryAfterMs("7", now)).toBe(7_000);
    expect(retryAfterMs(" Mon, 04 May 2026 12:01:00 GMT ", now)).toBe(60_000);
    expect(retryAfterMs("Mon, 04 May 2026 11:00:00 GMT", now)).toBe(0);
    expect(retryAfterMs("999999999", now)).toBe(24 * 3_600_000);
    for (const none of [undefined, "", "soon", "1e9"]) expect(retryAfterMs(none, now), none).toBeUndefined();
  });
});

describe("servers that hold on", () => {
  test("an endless body is read no further than its beginning, and is a success", async () => {
    let written = 0;
    const { port } = await openServer((_req, res) => {
      const chunk = Buffer.alloc(64 * 1024, 97);
      const more = () => {
        while (!res.destroyed && res.write(chunk)) written += chunk.length;
        if (!res.destroyed) res.once("drain", more);
      };
      more();
    });
    const answer = await sendWebhook(outgoing(`http://127.0.0.1:${port}/`), LAB);
    expect(answer).toEqual({ status: 200, response: "a".repeat(WEBHOOK_RESPONSE_KEPT_MAX) });
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });

  test.each([
    ["says nothing", () => undefined],
    [
      "drips headers",
      (_req: IncomingMessage, res: ServerResponse) => {
        const timer = setInterval(() => res.socket?.write("X"), 50);
        res.socket?.on("close", () => clearInterval(timer));
      },
    ],
    [
      "drips its body",
      (_req: IncomingMessage, res: ServerResponse) => {
        const timer = setInterval(() => res.write("."), 50);
        res.on("close", () => clearInterval(timer));
      },
    ],
  ])("one that %s is left when its time is up", async (_what, answer) => {
    const { port } = await openServer(answer as RequestListener);
    const got = await sendWebhook(outgoing(`http://127.0.0.1:${port}/`), { ...LAB, timeoutMs: 400 });
    expect(succeeded(got)).toBe(false);
    expect(got.error).toMatch(/no whole answer within 0.4 s|Parse Error/);
  });

  test("one that breaks off in its answer has not taken it", async () => {
    const { port } = await openServer((_req, res) => {
      res.writeHead(200, { "content-length": "100" });
      res.write("abc", () => res.destroy());
    });
    const answer = await sendWebhook(outgoing(`http://127.0.0.1:${port}/`), LAB);
    expect(succeeded(answer)).toBe(false);
    expect(answer.error).toContain("broke off");
  });

  test("NUL and what is no text come back as what a database can hold", async () => {
    const { port } = await openServer((_req, res) => void res.end(Buffer.from([0, 0xff, 0x41])));
    const { response } = await sendWebhook(outgoing(`http://127.0.0.1:${port}/`), LAB);
    expect(response).toBe("\ufffd\ufffdA");
  });
});

describe("addresses inside are never called", () => {
  test.each([
    ...["127.0.0.1", "127.1.2.3", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
    ...["169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1"],
    ...["255.255.255.255", "240.0.0.1", "203.0.113.9", "168.63.129.16", "::1", "::", "fe80::1", "fc00::1"],
    ...["fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:169.254.169.254"],
    ...["::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001::1", "fec0::1"],
    ...["2001:db8::1", "nonsense", ""],
  ])("%s is not public", (address) => expect(isPublicAddress(address)).toBe(false));

  test.each(["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"])(
    "%s is public",
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  test.each([
    ["decimal", "https://2130706433/"],
    ["octal", "https://0177.0.0.1/"],
    ["hexadecimal", "https://0x7f.1/"],
    ["short", "https://127.1/"],
    ["full-width digits", "https://１２７.0.0.1/"],
    ["IPv6", "https://[::1]/"],
    ["IPv4 in IPv6", "https://[::ffff:169.254.169.254]/"],
    ["metadata", "https://169.254.169.254/latest/meta-data/"],
    ["user in front", "https://example.com@127.0.0.1/"],
    ["a user", "https://me:secret@example.com/"],
    ["no https", "http://example.com/"],
    ["another protocol", "file:///etc/passwd"],
    ["a name of the machine", "https://localhost/"],
    ["… with a dot", "https://a.localhost/"],
    ["a name inside", "https://metadata.google.internal/"],
    ["no address", "example.com/hook"],
  ])("%s: refused before anything is sent", async (_what, url) => {
    expect(refusalOf(url, false)).toBeDefined();
    let asked = 0;
    const resolve = async (): Promise<Address[]> => {
      asked += 1;
      return [{ address: "8.8.8.8", family: 4 }];
    };
    const answer = await sendWebhook(outgoing(url), { ...PUBLIC, resolve });
    expect(answer.error).toContain("is not called");
    expect(asked).toBe(0);
  });

  test("an ordinary address is not refused", () => {
    for (const url of ["https://example.com/hook?x=1", "https://example.com:8443/", "https://8.8.8.8/"])
      expect(refusalOf(url, false), url).toBeUndefined();
    expect(refusalOf("http://127.0.0.1:9/", true)).toBeUndefined();
  });

  test("a name that leads inside, at once or only when it is called, reaches nothing", async () => {
    const { port, seen } = await openServer();
    const answers: Address[][] = [
      [{ address: "127.0.0.1", family: 4 }],
      [
        { address: "8.8.8.8", family: 4 },
        { address: "::ffff:127.0.0.1", family: 6 },
      ],
      [],
    ];
    for (const addresses of answers) {
      const resolve = async () => addresses;
      const answer = await sendWebhook(outgoing(`https://evil.example.com:${port}/`), { ...PUBLIC, resolve });
      expect(answer.error).toMatch(/resolves to (no address|.*not public)/);
    }
    expect(seen).toEqual([]);
  });

  test("a name is asked once for a try: a second answer has no say", async () => {
    const { port, seen } = await openServer();
    const asked: string[] = [];
    const resolve = async (hostname: string): Promise<Address[]> => {
      asked.push(hostname);
      // The first word is the one that was looked at; whoever asks again is led elsewhere.
      return [{ address: asked.length === 1 ? "127.0.0.1" : "127.0.0.2", family: 4 }];
    };
    const answer = await sendWebhook(outgoing(`http://rebind.example.com:${port}/`), { ...LAB, resolve });
    expect(answer.status).toBe(200);
    expect(asked).toEqual(["rebind.example.com"]);
    expect(seen[0]?.headers.host).toBe(`rebind.example.com:${port}`);
  });

  test("a name that cannot be resolved is a failure like any other", async () => {
    const resolve = () => Promise.reject(new Error("ENOTFOUND nowhere.example.com"));
    expect(await sendWebhook(outgoing("https://nowhere.example.com/"), { ...PUBLIC, resolve })).toEqual({
      error: "ENOTFOUND nowhere.example.com",
    });
  });
});
