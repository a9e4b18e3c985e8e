/**
 * What the stand-ins of payment providers share: a local HTTP server with idempotency keys, faults on demand
 * and webhooks that are kept until somebody delivers them. For tests and the demo; listens on 127.0.0.1 only.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export type Request = {
  method: string;
  path: string;
  query: URLSearchParams;
  body: string;
  headers: IncomingMessage["headers"];
};
export type Response = { status: number; body: unknown };

/**
 * What goes wrong with the next request that fits: `status`: answered so, nothing done · `hang`: never
 * answered, nothing done · `lose`: done, and the answer is lost.
 */
export type Fault = {
  method?: string;
  path: RegExp;
  how: "hang" | "lose" | { status: number };
  times?: number;
};

export type Webhook = { path: string; headers: Record<string, string>; body: string; id: string };

export type PayServer = {
  url: string;
  /** Every request that came, in order. */
  requests: Request[];
  fault: (fault: Fault) => void;
  /** No fault waits any more. */
  recover: () => void;
  /** What the provider has to say and has not said yet. */
  outbox: Webhook[];
  stop: () => Promise<void>;
};

const BODY_BYTES_MAX = 1024 * 1024;

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    parts.push(part as Buffer);
    bytes += (part as Buffer).length;
    if (bytes > BODY_BYTES_MAX) throw new Error("the body is too large");
  }
  return Buffer.concat(parts).toString("utf8");
}

/**
 * @param handle answers one request.
 * @param keyHeader header of the idempotency key: a write with a key that was used gets the first answer
 * again.
 */
export async function startPayServer(
  handle: (request: Request) => Response,
  keyHeader: string,
): Promise<PayServer> {
  const faults: Fault[] = [];
  const requests: Request[] = [];
  const answered = new Map<string, { body: string; response: Response }>();

  function takeFault(request: Request): Fault | undefined {
    const index = faults.findIndex(
      (fault) =>
        (fault.method === undefined || fault.method === request.method) && fault.path.test(request.path),
    );
    const fault = faults[index];
    if (fault === undefined) return undefined;
    fault.times = (fault.times ?? 1) - 1;
    if (fault.times <= 0) faults.splice(index, 1);
    return fault;
  }

  function answer(request: Request): Response {
    const key = request.headers[keyHeader];
    if (request.method === "GET" || typeof key !== "string") return handle(request);
    const before = answered.get(key);
    if (before !== undefined) {
      if (before.body === `${request.path} ${request.body}`) return before.response;
      return {
        status: 400,
        body: { error: { type: "idempotency_error", message: "this key was used otherwise" } },
      };
    }
    const response = handle(request);
    answered.set(key, { body: `${request.path} ${request.body}`, response });
    return response;
  }

  async function serve(incoming: IncomingMessage, reply: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? "/", "http://127.0.0.1");
    const request: Request = {
      method: incoming.method ?? "GET",
      path: url.pathname,
      query: url.searchParams,
      body: await readBody(incoming),
      headers: incoming.headers,
    };
    requests.push(request);
    const fault = takeFault(request);
    if (fault?.how === "hang") return;
    if (typeof fault?.how === "object") {
      send(reply, {
        status: fault.how.status,
        body: { error: { message: "the provider is ill" }, message: "ill" },
      });
      return;
    }
    const response = answer(request);
    if (fault?.how === "lose") incoming.socket.destroy();
    else send(reply, response);
  }

  const server = createServer((incoming, reply) => {
    serve(incoming, reply).catch((error: unknown) =>
      send(reply, { status: 500, body: { message: String(error) } }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    fault: (fault) => void faults.push({ ...fault }),
    recover: () => void faults.splice(0),
    outbox: [],
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(reply: ServerResponse, { status, body }: Response): void {
  if (reply.headersSent || reply.destroyed) return;
  reply.writeHead(status, { "content-type": "application/json" });
  reply.end(JSON.stringify(body));
}
