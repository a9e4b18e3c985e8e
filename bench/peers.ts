/**
 * What the ER is compared with, as processes of their own: `echo` and `prototype`.
 *
 *   echo        a bare `ws` server that sends every frame back: the limit of sockets in Node
 *   prototype   the least that answers durably: parse, put all that waits into one compressed row, commit, answer
 *
 * The prototype checks nothing, knows no stations and no transactions: what the ER costs on top of it is what
 * the ER does.
 */
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import Database from "better-sqlite3";
import { WebSocketServer, type WebSocket } from "ws";

function listen(onText: (socket: WebSocket, text: string) => void): void {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  server.on("connection", (socket) =>
    socket.on("message", (data) => onText(socket, (data as Buffer).toString("utf8"))),
  );
  server.on("listening", () => {
    process.send?.({ kind: "ready", ocppPort: (server.address() as { port: number }).port });
  });
}

function prototype(dir: string): void {
  const db = new Database(join(dir, "prototype.sqlite"));
  for (const pragma of [
    "page_size = 1024",
    "journal_mode = WAL",
    "synchronous = FULL",
    "wal_autocheckpoint = 4000",
  ]) {
    db.pragma(pragma);
  }
  db.exec(
    "CREATE TABLE block (first_seq INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, bytes BLOB NOT NULL)",
  );
  const insert = db.prepare("INSERT INTO block VALUES (?, ?, ?)");
  let waiting: { socket: WebSocket; text: string }[] = [];
  let seq = 0;

  const commit = () => {
    const taken = waiting;
    waiting = [];
    const first = seq + 1;
    const answers: string[] = [];
    const entries = taken.map(({ text }) => {
      const [, messageId] = JSON.parse(text) as [number, string];
      const response = `[3,"${messageId}",{}]`;
      answers.push(response);
      return { seq: ++seq, at: Date.now(), request: text, response };
    });
    insert.run(first, seq, zstdCompressSync(JSON.stringify(entries), { params: { 100: 1 } }));
    taken.forEach(({ socket }, index) => socket.send(answers[index] ?? ""));
  };
  listen((socket, text) => {
    waiting.push({ socket, text });
    if (waiting.length === 1) setImmediate(commit);
  });
}

const [kind, dir] = process.argv.slice(2);
process.on("disconnect", () => process.exit(0));
if (kind === "prototype") prototype(dir ?? ".");
else listen((socket, text) => socket.send(text));
