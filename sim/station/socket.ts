/**
 * Carries a simulated station over a real WebSocket (RFC 6455, OCPP-J): URL, subprotocol, Basic auth, pings.
 *
 * Pings of the CSMS are answered by the library. It knows nothing of messages and does not reconnect.
 */
import { WebSocket } from "ws";
import type { TransportFactory } from "./types.ts";

const FRAME_BYTES_MAX = 1024 * 1024;
const HANDSHAKE_TIMEOUT_MS = 10_000;

export type SocketOptions = {
  /** Of the CSMS, without the station's id: `ws://host:9220/ocpp`. */
  url: string;
  /** Sends a ping this often and cuts the socket when none was answered in between. 0: never. */
  pingIntervalMs?: number;
};

/** A transport factory for `createStation`. A failure to connect arrives as `onClose`, with the reason. */
export function socketTransport({ url, pingIntervalMs = 0 }: SocketOptions): TransportFactory {
  return ({ stationId, protocols, password }, events) => {
    const address = `${url.replace(/\/+$/, "")}/${encodeURIComponent(stationId)}`;
    const credentials = Buffer.from(`${stationId}:${password}`).toString("base64");
    const socket = new WebSocket(address, protocols, {
      perMessageDeflate: false,
      maxPayload: FRAME_BYTES_MAX,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      headers: password === undefined ? {} : { authorization: `Basic ${credentials}` },
    });
    let failure = "";
    let alive = true;
    let pinger: NodeJS.Timeout | undefined;
    socket.on("open", () => {
      if (pingIntervalMs > 0) {
        pinger = setInterval(() => {
          if (!alive) return socket.terminate();
          alive = false;
          socket.ping();
        }, pingIntervalMs);
      }
      events.onOpen();
    });
    socket.on("pong", () => {
      alive = true;
    });
    socket.on("message", (data, isBinary) => {
      alive = true;
      if (!isBinary) events.onMessage(data.toString());
    });
    socket.on("error", (error) => {
      failure = error.message;
    });
    socket.on("close", (code, reason) => {
      clearInterval(pinger);
      events.onClose(code, reason.toString() || failure);
    });
    return {
      send: (text) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      },
      close: (code) => (code === undefined ? socket.terminate() : socket.close(code)),
    };
  };
}
