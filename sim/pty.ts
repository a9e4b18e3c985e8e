/**
 * A pseudo terminal for tests and demonstrations: a serial line without hardware.
 *
 * Node cannot open a pty. `script` (bsdutils) can, and Debian counts it as essential, so nothing has to be
 * installed: its terminal is the serial port, its standard input and output are the far end of the line.
 * Bytes pass unchanged; baud rate and parity mean nothing here.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Duplex } from "node:stream";

export type Pty = {
  /** What to open as the serial port, e.g. /dev/pts/4. */
  path: string;
  /** The far end. */
  line: Duplex;
  /** Hangs up: whoever has the port open sees the device vanish, as when a USB adapter is pulled out. */
  close(): Promise<void>;
};

/**
 * Opens a pty. It hangs up by itself within seconds when this process dies.
 * @throws Error when `script` is missing.
 */
export async function openPty(): Promise<Pty> {
  const holdOpen = `while kill -0 ${process.pid} 2>/dev/null; do sleep 2; done`;
  const shell = `stty raw -echo; tty; ${holdOpen}`;
  const child = spawn("script", ["-qefc", shell, "/dev/null"], { stdio: ["pipe", "pipe", "ignore"] });
  const exited = once(child, "exit");
  let head = "";
  const path = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      head += chunk.toString("latin1");
      if (!head.includes("\n")) return;
      child.stdout.off("data", read);
      resolve(head.trim());
    };
    child.stdout.on("data", read);
    child.once("error", reject);
    child.once("exit", () => reject(new Error("script ended before it opened a terminal")));
  });
  const line = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => void child.stdin.write(chunk, () => done()),
  });
  child.stdin.on("error", () => {});
  child.stdout.on("data", (chunk: Buffer) => line.push(chunk));
  const close = async () => {
    child.kill("SIGKILL");
    await exited;
    line.destroy();
  };
  return { path, line, close };
}
