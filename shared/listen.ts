/** A server that listens, or a word on which port is taken and what to do. */
import type { AddressInfo, Server } from "node:net";
import { AppError } from "./errors.ts";

/**
 * @param hint what the operator can do when the port is taken.
 * @returns the port, which the system has chosen where 0 was asked for.
 * @throws AppError PORT_IN_USE, LISTEN_FAILED.
 */
export async function listen(
  server: Server,
  { host, port }: { host: string; port: number },
  hint: string,
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const code = cause.code === "EADDRINUSE" ? "PORT_IN_USE" : "LISTEN_FAILED";
      reject(new AppError(code, `cannot listen on ${host}:${port}`, { cause, hint }));
    });
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}
