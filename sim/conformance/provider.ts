/**
 * The service behind SG_PASS_ON_URL, for cases in which the CSMS must ask somebody: certificates of cars, OCSP.
 *
 * It listens on this machine only and answers what the case of a station tells it to; for others it has no answer.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Fields } from "./frames.ts";

/** What the CSMS asks it: `{stationId, action, payload}`. */
export type Asked = { stationId: string; action: string; payload: Fields };

export type Provider = {
  url: string;
  /** From now on, questions about this station are answered so. */
  answer(stationId: string, how: (asked: Asked) => Fields): void;
  stop(): Promise<void>;
};

/** Starts the service on a port of its own. */
export async function startProvider(): Promise<Provider> {
  const handlers = new Map<string, (asked: Asked) => Fields>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => void chunks.push(chunk));
    request.on("end", () => {
      const asked = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Asked;
      const handler = handlers.get(asked.stationId);
      response.statusCode = handler === undefined ? 404 : 200;
      response.end(JSON.stringify(handler?.(asked) ?? {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    answer: (stationId, how) => void handlers.set(stationId, how),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
