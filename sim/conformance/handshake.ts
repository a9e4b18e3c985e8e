/** Opening the WebSocket of a station, and what the CSMS says to it. */
import { WebSocket } from "ws";
import { CaseFailure } from "./outcome.ts";

/** How long the CSMS may take to answer, or to call after it was told to. */
export const WAIT_MS = 15_000;

/** `status` 101: connected; `protocol` empty: no subprotocol was agreed upon. */
export type Handshake = { status: number; protocol: string };

/** The Authorization header of security profile 1. The password may be any bytes. */
export const basic = (user: string, password: string | Buffer): string =>
  `Basic ${Buffer.concat([Buffer.from(`${user}:`), Buffer.from(password)]).toString("base64")}`;

/** @returns the outcome of the handshake, whatever it is. @throws CaseFailure without an answer. */
export function openSocket(
  url: string,
  protocols: readonly string[],
  headers: Record<string, string>,
  onOpen: (socket: WebSocket) => void,
): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, [...protocols], {
      ...{ headers, perMessageDeflate: false, handshakeTimeout: WAIT_MS },
    });
    socket.on("error", (error) => {
      // `ws` itself refuses a handshake that completes without one of the offered subprotocols.
      if (/subprotocol/.test(error.message)) resolve({ status: 101, protocol: "" });
      else reject(new CaseFailure(`the handshake failed: ${error.message}`));
    });
    socket.on("unexpected-response", (request, response) => {
      resolve({ status: response.statusCode ?? 0, protocol: "" });
      response.resume();
      request.destroy();
    });
    socket.on("open", () => {
      // Before anything else: the CSMS may speak first.
      onOpen(socket);
      resolve({ status: 101, protocol: socket.protocol });
    });
  });
}
