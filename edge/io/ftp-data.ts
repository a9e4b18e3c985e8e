/**
 * The data connection of an FTP session in passive mode: one port, one connection, from one address, soon.
 */
import { createServer, type Server, type Socket } from "node:net";
import { plainAddress } from "./file-guard.ts";

export type DataPort = {
  port: number;
  /** The connection, paused. Undefined: it did not come in time. */
  socket: Promise<Socket | undefined>;
  close(): void;
};

/** Listens where the control connection ends, for its other end alone. */
export async function openDataPort(
  control: Socket,
  waitMs: number,
  onStranger: (address: string) => void,
): Promise<DataPort> {
  const expected = plainAddress(control.remoteAddress);
  const taken = Promise.withResolvers<Socket | undefined>();
  let accepted: Socket | undefined;
  const server: Server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    const address = plainAddress(socket.remoteAddress);
    if (address !== expected || accepted !== undefined) {
      socket.destroy();
      if (address !== expected) onStranger(address);
      return;
    }
    accepted = socket;
    server.close();
    taken.resolve(socket);
  });
  const timer = setTimeout(() => {
    server.close();
    taken.resolve(undefined);
  }, waitMs);
  server.on("close", () => clearTimeout(timer));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, plainAddress(control.localAddress), resolve);
  });
  return {
    port: (server.address() as { port: number }).port,
    socket: taken.promise,
    close() {
      server.close();
      taken.resolve(undefined);
      accepted?.destroy();
    },
  };
}
