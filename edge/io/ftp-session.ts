/**
 * One FTP session: its commands, one at a time, and what they answer.
 */
import { createReadStream } from "node:fs";
import { isIPv4, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { setTimeout as wait } from "node:timers/promises";
import { AppError, describeError } from "../../shared/errors.ts";
import { FILE_IDLE_MS_MAX, FTP_DATA_WAIT_MS } from "../../shared/limits.ts";
import { plainAddress, type Guard } from "./file-guard.ts";
import type { Place } from "./file-places.ts";
import { openDataPort, type DataPort } from "./ftp-data.ts";
import type { FtpServerOptions } from "./ftp-server.ts";

const LOGINS_MAX = 3;
const WRONG_LOGIN_PAUSE_MS = 500;
/** A control connection that ends while a file comes in: what is on its way may still arrive. */
const GRACE_MS = 5_000;
const PATH_LENGTH_MAX = 255;
const BEFORE_LOGIN = new Set(["USER", "PASS", "QUIT", "NOOP", "SYST", "FEAT", "OPTS", "AUTH", "ABOR"]);

/** `cwd` + `path`, without `.` and `..`; always below `/`. */
export function joinPath(cwd: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${cwd}/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`.slice(0, PATH_LENGTH_MAX);
}

const nameIn = (path: string): string => path.split("/").at(-1) ?? "";
const quoted = (path: string): string => `"${path.replaceAll('"', '""')}"`;

export function createFtpSession(control: Socket, options: FtpServerOptions, guard: Guard) {
  const { store, onLog, limits = {} } = options;
  const remoteAddress = plainAddress(control.remoteAddress);
  let user = "";
  let place: Place | undefined;
  let failures = 0;
  let cwd = "/";
  let offset = 0;
  let passive: DataPort | undefined;
  let data: Socket | undefined;
  let transferring = false;
  let aborted = false;
  let gone = false;

  function reply(code: number, text: string): void {
    if (control.writable) control.write(`${code} ${text}\r\n`);
  }

  async function onPass(password: string): Promise<void> {
    if (guard.blocked(remoteAddress)) {
      reply(421, "too many wrong passwords");
      return void control.end();
    }
    const found = store.places.of(password);
    if (found !== undefined && found.placeId === user) {
      place = found;
      return reply(230, "come in");
    }
    guard.failed(remoteAddress);
    onLog("warn", "FTP: a wrong password", { remoteAddress });
    await wait(WRONG_LOGIN_PAUSE_MS);
    reply(530, "wrong user or password");
    if (++failures >= LOGINS_MAX) control.end();
  }

  async function onPassive(extended: boolean): Promise<void> {
    passive?.close();
    passive = undefined;
    const local = plainAddress(control.localAddress);
    const address = [options.advertise ?? "", local].find((a) => isIPv4(a)) ?? "";
    if (!extended && address === "") return reply(425, "use EPSV");
    passive = await openDataPort(control, limits.dataWaitMs ?? FTP_DATA_WAIT_MS, (stranger) =>
      onLog("warn", "FTP: a data connection from elsewhere was refused", { remoteAddress, stranger }),
    );
    const { port } = passive;
    if (extended) return reply(229, `entering extended passive mode (|||${port}|)`);
    reply(227, `entering passive mode (${address.replaceAll(".", ",")},${port >> 8},${port & 255})`);
  }

  /** Opens the data connection, runs `work`, says how it ended. */
  async function transfer(what: string, work: (socket: Socket) => Promise<void>): Promise<void> {
    const opened = passive;
    passive = undefined;
    if (opened === undefined) return reply(425, "say PASV or EPSV first");
    transferring = true;
    aborted = false;
    reply(150, what);
    try {
      data = await opened.socket;
      if (data === undefined || aborted) return reply(aborted ? 426 : 425, "no data connection");
      data.setTimeout(limits.idleMs ?? FILE_IDLE_MS_MAX, () =>
        data?.destroy(new Error("nothing moved for too long")),
      );
      await work(data);
      reply(226, "done");
    } catch (error) {
      const reason = describeError(error);
      onLog("warn", "FTP: a transfer did not get through", { remoteAddress, reason });
      const full = error instanceof AppError && /^FILES?_/.test(error.code);
      reply(full ? 552 : 426, error instanceof AppError ? error.message : "the transfer was broken off");
    } finally {
      opened.close();
      data = undefined;
      transferring = false;
      if (!control.destroyed) control.setTimeout(limits.idleMs ?? FILE_IDLE_MS_MAX);
    }
  }

  async function onStore(path: string): Promise<void> {
    const start = offset;
    offset = 0;
    const here = place;
    if (here?.kind !== "upload") return reply(550, "nothing can be left here");
    if (start !== 0) return reply(554, "a file is taken from its beginning");
    await transfer("send it", async (socket) => {
      const incoming = await store.receiveUpload(here, () => nameIn(path));
      try {
        for await (const chunk of socket) await incoming.write(chunk as Buffer);
        if (aborted || gone) throw new Error("the transfer was broken off");
        const upload = await incoming.finish();
        options.onUpload(upload);
      } catch (error) {
        await incoming.abort();
        throw error;
      }
    });
  }

  /** The firmware of this place, if that is what it is and `path` names it. */
  function fileAt(path: string): { path: string; bytes: number; name: string } | undefined {
    if (place?.kind !== "firmware" || nameIn(path) !== place.name) return undefined;
    const file = store.firmware(place.sha256);
    return file === undefined ? undefined : { ...file, name: place.name };
  }

  async function onRetrieve(path: string): Promise<void> {
    const start = offset;
    offset = 0;
    const file = fileAt(path);
    if (file === undefined) return reply(550, "there is no such file");
    if (start > file.bytes) return reply(554, "the file is shorter");
    await transfer("here it comes", async (socket) => {
      if (start < file.bytes) await pipeline(createReadStream(file.path, { start }), socket);
      else socket.end();
    });
  }

  async function onList(namesOnly: boolean): Promise<void> {
    const file = place?.kind === "firmware" ? fileAt(place.name) : undefined;
    const line = file === undefined ? "" : `-r--r--r-- 1 er er ${file.bytes} Jan  1 00:00 ${file.name}\r\n`;
    await transfer("here it comes", async (socket) => {
      socket.end(namesOnly && file !== undefined ? `${file.name}\r\n` : line);
      await new Promise((resolve) => socket.once("close", resolve).resume());
    });
  }

  function onRest(text: string): void {
    if (!/^\d{1,15}$/.test(text)) return reply(501, "a number of bytes");
    offset = Number(text);
    reply(350, "from there");
  }

  /** Commands that need a login and no connection for data. @returns false: there is no such command. */
  function onFolderCommand(command: string, argument: string): boolean {
    switch (command) {
      case "PWD":
      case "XPWD":
        reply(257, `${quoted(cwd)} is where you are`);
        return true;
      case "CWD":
      case "XCWD":
        // Some stations make or enter a folder of theirs first. All of them are the same one.
        cwd = joinPath(cwd, argument);
        reply(250, "there you are");
        return true;
      case "CDUP":
        cwd = joinPath(cwd, "..");
        reply(250, "there you are");
        return true;
      case "MKD":
      case "XMKD":
        reply(257, `${quoted(joinPath(cwd, argument))} is there`);
        return true;
      case "SIZE": {
        const file = fileAt(joinPath(cwd, argument));
        if (file === undefined) reply(550, "there is no such file");
        else reply(213, String(file.bytes));
        return true;
      }
      case "TYPE":
        if (/^(A|I|L ?8)( N)?$/i.test(argument)) reply(200, "bytes stay as they are");
        else reply(504, "TYPE I");
        return true;
      case "MODE":
      case "STRU":
        if (/^[SF]$/i.test(argument)) reply(200, "yes");
        else reply(504, "MODE S, STRU F");
        return true;
      case "ALLO":
        reply(202, "not needed");
        return true;
      case "REST":
        onRest(argument);
        return true;
      default:
        return false;
    }
  }

  async function onFileCommand(command: string, argument: string): Promise<void> {
    switch (command) {
      case "PASV":
        return onPassive(false);
      case "EPSV":
        return /^all$/i.test(argument) ? reply(200, "yes") : onPassive(true);
      case "STOR":
      case "APPE":
      case "STOU":
        return onStore(joinPath(cwd, argument));
      case "RETR":
        return onRetrieve(joinPath(cwd, argument));
      case "LIST":
      case "NLST":
        return onList(command === "NLST");
      default:
        return reply(502, "not here");
    }
  }

  async function onLine(line: string): Promise<void> {
    const [, word = "", argument = ""] = /^\s*([A-Za-z]{3,4})(?: (.*))?$/.exec(line) ?? [];
    const command = word.toUpperCase();
    if (command === "") return reply(500, "that is no command");
    if (place === undefined && !BEFORE_LOGIN.has(command)) return reply(530, "log in first");
    switch (command) {
      case "USER":
        user = argument;
        place = undefined;
        return reply(331, "and the password");
      case "PASS":
        return user === "" ? reply(503, "USER first") : onPass(argument);
      case "QUIT":
        reply(221, "good-bye");
        return void control.end();
      case "NOOP":
        return reply(200, "yes");
      case "SYST":
        return reply(215, "UNIX Type: L8");
      case "FEAT":
        control.write(
          "211-what there is\r\n EPSV\r\n PASV\r\n REST STREAM\r\n SIZE\r\n UTF8\r\n211 that is all\r\n",
        );
        return;
      case "OPTS":
        return /^utf8/i.test(argument) ? reply(200, "yes") : reply(501, "not here");
      case "AUTH":
        return reply(502, "no TLS here");
      case "ABOR":
        return reply(226, "nothing goes on");
      default:
        if (!onFolderCommand(command, argument)) await onFileCommand(command, argument);
    }
  }

  return {
    reply,
    onLine,
    get transferring() {
      return transferring;
    },
    /** The transfer under way ends now; its command says so, and ABOR after it. */
    abort(): void {
      if (!transferring) return;
      aborted = true;
      passive?.close();
      data?.destroy(new Error("aborted by the station"));
    },
    close(): void {
      passive?.close();
      if (!transferring) return;
      const under = data;
      setTimeout(() => {
        gone = true;
        under?.destroy(new Error("the control connection ended"));
      }, GRACE_MS).unref();
    },
  };
}
