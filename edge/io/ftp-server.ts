/**
 * A small FTP server (RFC 959, 2428, 3659) for stations that know nothing else: passive mode, binary, one
 * virtual folder per login.
 *
 * User and password are those of one place (see file-store): there is nothing else to log in to. Firmware can be
 * read at its place, files can be left at an upload's. A path is a name and no more. The data connection must
 * come from the address of the control connection. Not offered, on purpose: active mode (a way to make the box
 * connect elsewhere), renaming, deleting, TLS.
 */
import { createServer, type Server, type Socket } from "node:net";
import { describeError } from "../../shared/errors.ts";
import {
  FILE_IDLE_MS_MAX,
  FTP_LINE_BYTES_MAX,
  FTP_QUEUE_MAX,
  FTP_UNREAD_BYTES_MAX,
} from "../../shared/limits.ts";
import { listen } from "../../shared/listen.ts";
import { createGuard, plainAddress, type Guard } from "./file-guard.ts";
import type { FileStore, Upload } from "./file-store.ts";
import { createFtpSession } from "./ftp-session.ts";

export type FtpServerOptions = {
  host: string;
  port: number;
  store: FileStore;
  onUpload: (upload: Upload) => void;
  onLog: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
  /** The address that PASV tells; else that of the socket. */
  advertise?: string;
  /** Shorter ones, for tests. */
  limits?: { idleMs?: number; dataWaitMs?: number };
};

/** Telnet's own bytes (RFC 854), which some clients send before ABOR. */
const withoutTelnet = (bytes: Buffer): Buffer => Buffer.from(bytes.filter((byte) => byte < 0xf0));

/** Lines of a control connection, one after the other; ABOR does not wait for its turn. */
function serve(socket: Socket, options: FtpServerOptions, guard: Guard): void {
  const { onLog } = options;
  const remoteAddress = plainAddress(socket.remoteAddress);
  const session = createFtpSession(socket, options, guard);
  const waiting: string[] = [];
  let held = "";
  let busy = false;

  async function work(): Promise<void> {
    if (busy) return;
    busy = true;
    for (let line = waiting.shift(); line !== undefined; line = waiting.shift()) {
      try {
        await session.onLine(line);
      } catch (error) {
        onLog("warn", "FTP: a command failed", { remoteAddress, reason: describeError(error) });
        session.reply(451, "it did not work");
      }
    }
    busy = false;
  }

  socket.on("data", (bytes) => {
    // Who asks and never listens would fill the memory with answers.
    if (socket.writableLength > FTP_UNREAD_BYTES_MAX) return void socket.destroy();
    held += withoutTelnet(bytes).toString("utf8");
    const lines = held.split(/\r?\n/);
    held = lines.pop() ?? "";
    if (held.length > FTP_LINE_BYTES_MAX || waiting.length + lines.length > FTP_QUEUE_MAX) {
      session.reply(500, "too much at once");
      socket.end();
      socket.pause();
      return;
    }
    if (lines.some((line) => /^abor\b/i.test(line))) session.abort();
    waiting.push(...lines);
    void work();
  });
  socket.setTimeout(options.limits?.idleMs ?? FILE_IDLE_MS_MAX, () => {
    // Nothing is said while a file is on its way; its own connection has its own clock.
    if (session.transferring) return;
    session.reply(421, "nothing was said for too long");
    socket.end();
    socket.destroySoon();
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => session.close());
  session.reply(220, "files for charging stations");
}

/** Starts listening. @throws AppError PORT_IN_USE and what `listen` throws. */
export async function startFtpServer(options: FtpServerOptions) {
  const guard = createGuard();
  const server: Server = createServer((socket) => {
    if (guard.admit(socket)) serve(socket, options, guard);
  });
  const port = await listen(
    server,
    options,
    "another program uses the port: stop it, or set [files] ftp_port, or ftp = false",
  );
  return {
    port,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        guard.closeAll();
      }),
  };
}
