/**
 * The OCPP-J server on `ws`: sockets of stations ⇄ inputs of the core (OCPP 1.6-J §3, OCPP 2.0.1 part 4 §3).
 *
 * Path `/ocpp/<stationId>`; Basic auth (security profile 1) or the explicit open mode of a lab; subprotocol
 * chosen from what the station offers; frames bounded in size; a station that sends too fast is paused,
 * never dropped; silence is found by ping. It reads no frame: what a message means is the core's business.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import { AppError } from "../../shared/errors.ts";
import type { Protocol } from "../../shared/entry.ts";
import {
  OCPP_AUTH_FAILURES_PER_MIN,
  OCPP_BACKLOG_MAX,
  OCPP_BACKLOG_PAUSE_MS,
  OCPP_FRAME_BYTES_MAX,
  OCPP_PING_INTERVAL_MS,
  OCPP_SILENCE_MS_MAX,
  OCPP_STATION_BURST,
  OCPP_STATION_RATE_PER_S,
  STATIONS_PER_ER_MAX,
} from "../../shared/limits.ts";
import type { Input } from "../core/types.ts";
import { verifyPassword } from "./password.ts";

export type StationAuth =
  | { mode: "open" }
  /** Hashes as `er hash-password` prints them, by stationId. */
  | { mode: "basic"; passwordHash: (stationId: string) => string | undefined };

export type CsmsOptions = {
  host: string;
  port: number;
  auth: StationAuth;
  /** For stations that offer no subprotocol at all; undefined: they are refused. */
  assumeProtocol: Protocol | undefined;
  onInput: (input: Input) => void;
  /** Inputs that the core has not taken yet. */
  backlog?: () => number;
  onLog: (level: "info" | "warn", message: string, fields: Record<string, unknown>) => void;
};

/** Newest first: what a station offers is matched against this order of ours. */
const PROTOCOLS: readonly Protocol[] = ["ocpp2.1", "ocpp2.0.1", "ocpp1.6"];
const CLOSE_PROTOCOL_ERROR = 1002;

type Client = {
  connectionId: number;
  socket: WebSocket;
  stationId: string;
  heardMs: number;
  tokens: number;
  refilledMs: number;
};

/** `/ocpp/<stationId>` → the decoded id, or undefined. */
export function stationIdOf(url: string | undefined): string | undefined {
  const path = (url ?? "").split("?", 1)[0] ?? "";
  const match = /^\/ocpp\/([^/]{1,192})\/?$/.exec(path);
  if (match?.[1] === undefined) return undefined;
  try {
    const id = decodeURIComponent(match[1]);
    return id.length <= 64 && /^[^\u0000-\u001f/?#]+$/.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The password bytes of a Basic header whose user is this station. Some stations send raw bytes, so it
 * stays a Buffer.
 */
export function basicPassword(header: string | undefined, stationId: string): Buffer | undefined {
  const match = /^basic ([A-Za-z0-9+/=_-]+)$/i.exec(header?.trim() ?? "");
  if (match?.[1] === undefined) return undefined;
  const bytes = Buffer.from(match[1], "base64");
  const user = Buffer.from(`${stationId}:`);
  const fits = bytes.length >= user.length && timingSafeEqual(bytes.subarray(0, user.length), user);
  return fits ? bytes.subarray(user.length) : undefined;
}

function refuse(socket: Duplex, status: string, headers: string[], text: string): void {
  const lines = [`HTTP/1.1 ${status}`, "Connection: close", "Content-Type: text/plain", ...headers];
  socket.end(`${lines.join("\r\n")}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

/** Counts refused passwords per address, so that guessing is slow while honest stations are not hindered. */
function createFailures() {
  const failures = new Map<string, { count: number; sinceMs: number }>();
  return {
    blocked(address: string, nowMs: number): boolean {
      const entry = failures.get(address);
      if (entry === undefined) return false;
      if (nowMs - entry.sinceMs < 60_000) return entry.count >= OCPP_AUTH_FAILURES_PER_MIN;
      failures.delete(address);
      return false;
    },
    add(address: string, nowMs: number): void {
      const entry = failures.get(address) ?? { count: 0, sinceMs: nowMs };
      entry.count += 1;
      failures.set(address, entry);
      if (failures.size > 10_000) failures.delete(failures.keys().next().value ?? "");
    },
  };
}

/**
 * Checks passwords: slow once per station and password, quick afterwards, so that a thousand stations that
 * reconnect at once do not keep the box busy for a minute.
 */
function createAuthenticator(auth: StationAuth) {
  const verified = new Map<string, string>();
  return async (stationId: string, header: string | undefined): Promise<boolean> => {
    if (auth.mode === "open") return true;
    const hash = auth.passwordHash(stationId);
    const password = basicPassword(header, stationId);
    if (hash === undefined || password === undefined) return false;
    const digest = createHash("sha256").update(hash).update(password).digest("hex");
    if (verified.get(stationId) === digest) return true;
    if (!(await verifyPassword(hash, password))) return false;
    verified.set(stationId, digest);
    return true;
  };
}

/** Starts listening. @throws AppError PORT_IN_USE and what `listen` throws. */
export async function startCsms(options: CsmsOptions) {
  const { onInput, onLog } = options;
  const clients = new Map<number, Client>();
  const failures = createFailures();
  const authenticate = createAuthenticator(options.auth);
  let nextConnectionId = 1;

  // Some stations probe the URL with a plain GET before they connect; any answer will do.
  const server = createServer((_request, response) => {
    response.writeHead(426, { "Content-Type": "text/plain" });
    response.end("OCPP-J: connect a WebSocket to /ocpp/<stationId>\n");
  });
  server.headersTimeout = 10_000;
  // Every TCP connection, also those that never finish their handshake: a stop must not wait for them.
  const connections = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
  });
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: OCPP_FRAME_BYTES_MAX,
    perMessageDeflate: false,
    handleProtocols: (offered) => PROTOCOLS.find((p) => offered.has(p)) ?? false,
  });

  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    void upgrade(request, socket, head);
  });

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const remoteAddress = request.socket.remoteAddress ?? "unknown";
    const stationId = stationIdOf(request.url);
    if (stationId === undefined) return refuse(socket, "404 Not Found", [], "connect to /ocpp/<stationId>\n");
    if (clients.size >= STATIONS_PER_ER_MAX) {
      onLog("warn", "station refused: too many sockets", { stationId, limit: STATIONS_PER_ER_MAX });
      return refuse(socket, "503 Service Unavailable", ["Retry-After: 60"], "too many stations\n");
    }
    if (failures.blocked(remoteAddress, performance.now())) {
      return refuse(socket, "429 Too Many Requests", ["Retry-After: 60"], "too many wrong passwords\n");
    }
    if (!(await authenticate(stationId, request.headers.authorization).catch(() => false))) {
      failures.add(remoteAddress, performance.now());
      onLog("warn", "station refused: unknown station or wrong password", { stationId, remoteAddress });
      return refuse(
        socket,
        "401 Unauthorized",
        ['WWW-Authenticate: Basic realm="ocpp"'],
        "wrong credentials\n",
      );
    }
    if (socket.destroyed) return;
    wss.handleUpgrade(request, socket, head, (ws) => accept(ws, stationId, remoteAddress, request));
  }

  function accept(
    socket: WebSocket,
    stationId: string,
    remoteAddress: string,
    request: IncomingMessage,
  ): void {
    const offered = request.headers["sec-websocket-protocol"];
    const protocol = (socket.protocol || (offered === undefined ? options.assumeProtocol : undefined)) as
      | Protocol
      | undefined;
    // OCPP-J: no common subprotocol → the handshake is completed without one, then the socket is closed.
    if (protocol === undefined) {
      onLog("warn", "station refused: no common OCPP version", { stationId, offered: offered ?? "none" });
      socket.close(CLOSE_PROTOCOL_ERROR, "no common subprotocol");
      return;
    }
    const connectionId = nextConnectionId++;
    const now = performance.now();
    const client = {
      connectionId,
      socket,
      stationId,
      heardMs: now,
      tokens: OCPP_STATION_BURST,
      refilledMs: now,
    };
    clients.set(connectionId, client);
    onInput({ kind: "station.connected", connectionId, stationId, protocol, remoteAddress });
    socket.on("message", (data, isBinary) => receive(client, data, isBinary));
    socket.on("pong", () => (client.heardMs = performance.now()));
    socket.on("ping", () => (client.heardMs = performance.now()));
    // A broken frame (RSV bits, bad UTF-8, too large) ends in `close` with its code.
    socket.on("error", (error) =>
      onLog("warn", "station socket error", { stationId, reason: error.message }),
    );
    socket.on("close", (code) => {
      clients.delete(connectionId);
      onInput({ kind: "station.disconnected", connectionId, reason: `closed ${code}` });
    });
  }

  function receive(client: Client, data: RawData, isBinary: boolean): void {
    const now = performance.now();
    client.heardMs = now;
    if (isBinary) {
      client.socket.close(1003, "OCPP-J frames are text");
      return;
    }
    onInput({
      kind: "station.frame",
      connectionId: client.connectionId,
      text: (data as Buffer).toString("utf8"),
    });
    const refill = ((now - client.refilledMs) / 1_000) * OCPP_STATION_RATE_PER_S;
    client.tokens = Math.min(OCPP_STATION_BURST, client.tokens + refill) - 1;
    client.refilledMs = now;
    if (client.tokens < 0) throttle(client, 1_000 / OCPP_STATION_RATE_PER_S);
    else if ((options.backlog?.() ?? 0) > OCPP_BACKLOG_MAX) throttle(client, OCPP_BACKLOG_PAUSE_MS);
  }

  /** Back-pressure: TCP holds what a hasty station sends, or what nobody can take now, until it may go on. */
  function throttle(client: Client, pauseMs: number): void {
    client.socket.pause();
    setTimeout(() => client.socket.resume(), pauseMs).unref();
  }

  const pinger = setInterval(() => {
    const now = performance.now();
    for (const client of clients.values()) {
      // Some stations never answer a ping but go on talking; only complete silence counts.
      if (now - client.heardMs > OCPP_SILENCE_MS_MAX) client.socket.terminate();
      else client.socket.ping();
    }
  }, OCPP_PING_INTERVAL_MS);
  pinger.unref();

  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const code = cause.code === "EADDRINUSE" ? "PORT_IN_USE" : "LISTEN_FAILED";
      const hint = "another program uses the port: stop it, or set [ocpp] port";
      reject(new AppError(code, `cannot listen on ${options.host}:${options.port}`, { cause, hint }));
    });
    server.listen(options.port, options.host, resolve);
  });

  return {
    port: (server.address() as { port: number }).port,
    get connections() {
      return clients.size;
    },
    send(connectionId: number, text: string): void {
      clients.get(connectionId)?.socket.send(text);
    },
    close(connectionId: number, code: number, reason: string): void {
      const client = clients.get(connectionId);
      if (client === undefined) return;
      client.socket.close(code, reason);
      // A dead peer never completes the closing handshake.
      setTimeout(() => client.socket.terminate(), 2_000).unref();
    },
    async stop(): Promise<void> {
      clearInterval(pinger);
      for (const client of clients.values()) client.socket.close(1001, "the ER stops");
      const closed = new Promise((resolve) => server.close(resolve));
      const force = setTimeout(() => connections.forEach((socket) => socket.destroy()), 500);
      await closed;
      clearTimeout(force);
    },
  };
}
