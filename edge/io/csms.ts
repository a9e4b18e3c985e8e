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
import type { Protocol } from "../../shared/entry.ts";
import { given } from "../../shared/given.ts";
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
import { listen } from "../../shared/listen.ts";
import type { Input } from "../core/types.ts";
import { passwordMark, verifyPassword } from "../../shared/password.ts";

/** Hashes (`shared/password.ts`) of the passwords that count for a station. `open`: it is let in without, too. */
export type Credentials = { hashes: readonly string[]; open?: boolean };
export type StationAuth = (stationId: string) => Credentials;

/** `ping` false: the station is never pinged; any traffic is its sign of life. */
export type StationOptions = { assumeProtocol?: Protocol; ping?: boolean };

export type CsmsOptions = {
  host: string;
  port: number;
  auth: StationAuth;
  /** For stations that offer no subprotocol at all; undefined: they are refused. */
  assumeProtocol: Protocol | undefined;
  /** What single stations need. */
  stationOptions?: (stationId: string) => StationOptions | undefined;
  onInput: (input: Input) => void;
  /** How often stations are pinged, and how long they may be silent; shorter ones for tests. */
  pingIntervalMs?: number;
  silenceMs?: number;
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
  localAddress: string | undefined;
  heardMs: number;
  tokens: number;
  refilledMs: number;
  ping: boolean;
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

/** 16 to 20 bytes in hex: how OCPP 1.6 is told a password (AuthorizationKey). Some stations show that text itself. */
const KEY_IN_HEX = /^([0-9a-f]{2}){16,20}$/i;

type Shown = { hash: string | undefined };

/**
 * Checks passwords: slow once per station and password, quick afterwards, so that a thousand stations that
 * reconnect at once do not keep the box busy for a minute.
 */
function createAuthenticator(credentialsOf: StationAuth) {
  const verified = new Map<string, string>();
  /** @returns the hash that fits, if there is one; undefined: not let in. */
  return async (stationId: string, header: string | undefined): Promise<Shown | undefined> => {
    const { hashes, open } = credentialsOf(stationId);
    const otherwise = open === true ? { hash: undefined } : undefined;
    const password = basicPassword(header, stationId);
    if (hashes.length === 0 || password === undefined) return otherwise;
    const digestOf = (hash: string) => createHash("sha256").update(hash).update(password).digest("hex");
    const before = verified.get(stationId);
    const known = hashes.find((hash) => digestOf(hash) === before);
    if (known !== undefined) return { hash: known };
    const text = password.toString("latin1");
    const readings = KEY_IN_HEX.test(text) ? [password, Buffer.from(text, "hex")] : [password];
    for (const hash of hashes)
      for (const reading of readings)
        if (await verifyPassword(hash, reading)) {
          verified.set(stationId, digestOf(hash));
          return { hash };
        }
    return otherwise;
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
  const server = createServer((request, response) => {
    if (request.headers.upgrade !== undefined) {
      const reason = "the handshake lacks the header Connection: Upgrade";
      onLog("warn", "station refused: no WebSocket handshake", { url: request.url, reason });
    }
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
    const shown = await authenticate(stationId, request.headers.authorization).catch(() => undefined);
    if (shown === undefined) {
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
    wss.handleUpgrade(request, socket, head, (ws) => accept(ws, stationId, shown, request));
  }

  function accept(socket: WebSocket, stationId: string, shown: Shown, request: IncomingMessage): void {
    const remoteAddress = request.socket.remoteAddress ?? "unknown";
    const offered = request.headers["sec-websocket-protocol"];
    const own = options.stationOptions?.(stationId);
    const assumed = own?.assumeProtocol ?? options.assumeProtocol;
    const protocol = (socket.protocol || (offered === undefined ? assumed : undefined)) as
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
      localAddress: request.socket.localAddress,
      heardMs: now,
      tokens: OCPP_STATION_BURST,
      refilledMs: now,
      ping: own?.ping !== false,
    };
    clients.set(connectionId, client);
    onInput({
      ...{ kind: "station.connected", connectionId, stationId, protocol, remoteAddress },
      ...given("passwordMark", shown.hash === undefined ? undefined : passwordMark(shown.hash)),
    });
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

  const { pingIntervalMs = OCPP_PING_INTERVAL_MS, silenceMs = OCPP_SILENCE_MS_MAX } = options;
  const pinger = setInterval(() => {
    const now = performance.now();
    for (const client of clients.values()) {
      // Some stations never answer a ping but go on talking; only complete silence counts.
      if (now - client.heardMs > silenceMs) client.socket.terminate();
      else if (client.ping) client.socket.ping();
    }
  }, pingIntervalMs);
  pinger.unref();

  const port = await listen(server, options, "another program uses the port: stop it, or set [ocpp] port");

  return {
    port,
    get connections() {
      return clients.size;
    },
    /** The box's address, as this connection sees it. */
    localAddressOf: (connectionId: number): string | undefined => clients.get(connectionId)?.localAddress,
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
