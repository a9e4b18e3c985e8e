/** The service behind the SG: real HTTP, in all the ways in which it may fail. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { PASS_ON_UNDER_WAY_MAX } from "../../shared/limits.ts";
import { until } from "../../sim/services/until.ts";
import type { Question } from "../../shared/wire.ts";
import { createPassOn, passOnNothing } from "./pass-on.ts";

const question = {
  kind: "ocpp",
  stationId: "CP1",
  protocol: "ocpp2.0.1",
  action: "GetCertificateStatus",
  payload: { ocspRequestData: {} },
} satisfies Question as Extract<Question, { kind: "ocpp" }>;
const authorize = {
  kind: "authorize",
  purpose: "authorize",
  stationId: "CP1",
  idToken: "E1",
  contract: { certificate: "PEM" },
} satisfies Question as Extract<Question, { kind: "authorize" }>;

let stop: () => void = () => undefined;
afterEach(() => stop());

async function service(reply: (response: ServerResponse, body: unknown) => void) {
  const bodies: unknown[] = [];
  const logs: string[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      bodies.push(JSON.parse(text));
      reply(response, bodies.at(-1));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  stop = () => (server.closeAllConnections(), server.close());
  const { port } = server.address() as AddressInfo;
  const passOn = createPassOn(`http://127.0.0.1:${port}/`, (_level, _message, { reason }) =>
    logs.push(String(reason)),
  );
  return { passOn, bodies, logs };
}

test("the station's message goes there as it is, and the answer comes back as it is", async () => {
  const { passOn, bodies } = await service((response) => response.end('{"payload":{"status":"Accepted"}}'));
  expect(await passOn("er-1", question)).toEqual({ status: "Accepted" });
  const { kind: _kind, ...told } = question;
  expect(bodies).toEqual([{ erId: "er-1", ...told }]);
});

test("a contract certificate's status", async () => {
  const { passOn, bodies } = await service((response) =>
    response.end('{"certificateStatus":"CertificateRevoked"}'),
  );
  expect(await passOn.certificate("er-1", authorize)).toBe("CertificateRevoked");
  expect(bodies).toMatchObject([{ action: "Authorize", payload: { idToken: "E1", certificate: "PEM" } }]);
});

test.each<[string, (response: ServerResponse) => void]>([
  ["an error", (response) => response.writeHead(500).end("{}")],
  ["no JSON", (response) => response.end("<html>")],
  ["too much", (response) => response.end(JSON.stringify({ payload: { status: "x".repeat(70_000) } }))],
  ["another place", (response) => response.writeHead(302, { Location: "http://example.org/" }).end()],
  ["nothing", (response) => response.destroy()],
])("%s is no answer, and is logged", async (_what, reply) => {
  const { passOn, logs } = await service(reply);
  expect(await passOn("er-1", question)).toBeUndefined();
  expect(logs).toHaveLength(1);
});

test.each(["null", "[]", '{"payload":7}', '{"payload":null}', '{"certificateStatus":7}'])(
  "%s says nothing",
  async (text) => {
    const { passOn } = await service((response) => response.end(text));
    expect(await passOn("er-1", question)).toBeUndefined();
    expect(await passOn.certificate("er-1", authorize)).toBeUndefined();
  },
);

test("a service that hangs is asked no more than so often at a time", async () => {
  const held: ServerResponse[] = [];
  const { passOn } = await service((response) => held.push(response));
  const asked = Array.from({ length: PASS_ON_UNDER_WAY_MAX }, () => passOn("er-1", question));
  await until("all are held", () => held.length === PASS_ON_UNDER_WAY_MAX);
  expect(await passOn("er-1", question)).toBeUndefined();
  for (const response of held) response.end('{"payload":{}}');
  expect(await Promise.all(asked)).toEqual(asked.map(() => ({})));
  const next = passOn("er-1", question);
  await until("it is asked again", () => held.length > PASS_ON_UNDER_WAY_MAX);
  held.at(-1)?.end('{"payload":{}}');
  expect(await next).toEqual({});
});

test("without a service nobody can say", async () => {
  expect(await passOnNothing("er-1", question)).toBeUndefined();
});
