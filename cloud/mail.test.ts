/** Mail over a real SMTP server that takes, refuses, puts off and says nothing. */
import { createServer, type AddressInfo, type Server } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openTestDb, type TestDb } from "./harness.ts";
import { sendMails } from "./jobs/send-mail.ts";
import { checkMailConfig, createMailer, queueMail, type NewMail } from "./mail.ts";

let db: TestDb;
beforeAll(async () => void (db = await openTestDb()));
afterAll(() => db.close());
beforeEach(() => db.pool.query("delete from mail"));

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

type Taken = { to: string[]; text: string };

/** An SMTP server on 127.0.0.1. @returns its address, and what it took. */
async function openSmtp(options: Partial<SMTPServerOptions> = {}): Promise<{ url: string; taken: Taken[] }> {
  const taken: Taken[] = [];
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS", "AUTH"],
    authOptional: true,
    logger: false,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const to = session.envelope.rcptTo.map((r) => r.address);
        taken.push({ to, text: Buffer.concat(chunks).toString("utf8") });
        done();
      });
    },
    ...options,
  });
  server.on("error", () => undefined);
  const listening = server.listen(0, "127.0.0.1");
  await new Promise((resolve) => listening.once("listening", resolve));
  closing.push(() => new Promise((resolve) => server.close(() => resolve())));
  return { url: `smtp://127.0.0.1:${(listening.address() as AddressInfo).port}`, taken };
}

const mailer = (url: string, sendMs?: number) =>
  createMailer(checkMailConfig(url, "Moov <charging@example.com>"), sendMs === undefined ? {} : { sendMs });

const LETTER: NewMail = {
  operatorId: "default",
  kind: "invitation",
  to: "ana@example.org",
  subject: "Olá\r\nBcc: all@example.org",
  text: "Ação: https://example.com/?secret=1",
};

const refuse = (code: number, text: string) => Object.assign(new Error(text), { responseCode: code });
const refusing = (code: number): Partial<SMTPServerOptions> => ({
  onRcptTo: (_address, _session, done) => done(refuse(code, "no such box")),
});

const mails = () =>
  db.rows<{ status: string; attempts: number; last_error: string | null; wait: number; kept: boolean }>(
    `select status, attempts, last_error, content is not null as kept,
       extract(epoch from next_at - now())::int as wait from mail order by created_at, mail_id`,
  );
const due = () => db.pool.query("update mail set next_at = now() where status = 'waiting'");

describe("the outbox", () => {
  test("what was rolled back is never sent, what was kept is sent once, and its content is forgotten", async () => {
    const { url, taken } = await openSmtp();
    const client = await db.pool.connect();
    await client.query("begin");
    await queueMail(client, { ...LETTER, to: "never@example.org" });
    await client.query("rollback");
    client.release();
    const id = await queueMail(db.pool, {
      ...LETTER,
      attachments: [{ name: "recibo.pdf", type: "application/pdf", content: Buffer.from("%PDF-x") }],
    });
    expect(await sendMails(db.pool, mailer(url))).toBe(1);
    expect(await sendMails(db.pool, mailer(url))).toBe(0);
    expect(taken.map((mail) => mail.to)).toEqual([["ana@example.org"]]);
    const text = taken[0]?.text ?? "";
    expect(text).toContain(`Message-ID: <${id}@example.com>`);
    expect(text).toContain("filename=recibo.pdf");
    expect(text).toContain(Buffer.from("%PDF-x").toString("base64"));
    // The line break of the subject began no header of its own.
    expect(text).not.toMatch(/^Bcc:/m);
    expect(await mails()).toMatchObject([{ status: "sent", attempts: 1, last_error: null, kept: false }]);
  });

  test("two copies at once send each mail once", async () => {
    const { url, taken } = await openSmtp();
    const boxes = Array.from({ length: 30 }, (_, i) => `box${i}@example.org`);
    for (const to of boxes) await queueMail(db.pool, { ...LETTER, to });
    const counts = await Promise.all([1, 2, 3].map(() => sendMails(db.pool, mailer(url))));
    expect(counts.reduce((a, b) => a + b, 0)).toBe(30);
    expect(taken.flatMap((mail) => mail.to).sort()).toEqual(boxes.sort());
  });
});

describe("a server that does not take it", () => {
  test("a temporary refusal is tried again, later and later, and given up in the end", async () => {
    const { url } = await openSmtp(refusing(451));
    await queueMail(db.pool, LETTER);
    const waits: number[] = [];
    for (let tries = 1; tries < 9; tries++) {
      await sendMails(db.pool, mailer(url));
      const [mail] = await mails();
      expect(mail).toMatchObject({ status: "waiting", attempts: tries, kept: true });
      waits.push(mail?.wait ?? 0);
      await due();
    }
    expect(waits[0]).toBeGreaterThanOrEqual(59);
    expect(waits.every((wait, i) => i === 0 || wait > (waits[i - 1] ?? 0))).toBe(true);
    await sendMails(db.pool, mailer(url));
    expect(await mails()).toMatchObject([
      { status: "failed", attempts: 9, last_error: expect.stringContaining("451") },
    ]);
  });

  test("a refusal for good is final at once and says why; the content stays for another try", async () => {
    const { url } = await openSmtp(refusing(550));
    await queueMail(db.pool, LETTER);
    await sendMails(db.pool, mailer(url));
    const [mail] = await mails();
    expect(mail).toMatchObject({ status: "failed", attempts: 1, kept: true });
    expect(mail?.last_error).toContain("550 no such box");
    expect(await sendMails(db.pool, mailer(url))).toBe(0);
  });

  test("a wrong password of ours is no mail's fault: they wait", async () => {
    const { url } = await openSmtp({
      disabledCommands: ["STARTTLS"],
      allowInsecureAuth: true,
      onAuth: (_auth, _session, done) => done(refuse(535, "who are you")),
    });
    await queueMail(db.pool, LETTER);
    await sendMails(db.pool, mailer(url.replace("smtp://", "smtp://me:wrong@")));
    expect(await mails()).toMatchObject([{ status: "waiting", last_error: expect.stringContaining("535") }]);
  });

  test("one that hangs is left after its time, one that is not there at once", async () => {
    const sockets = new Set<{ destroy: () => void }>();
    const silent: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    await queueMail(db.pool, LETTER);
    await sendMails(db.pool, mailer(`smtp://127.0.0.1:${port}`, 200));
    expect(await mails()).toMatchObject([{ status: "waiting", attempts: 1, kept: true }]);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
    await due();
    await sendMails(db.pool, mailer(`smtp://127.0.0.1:${port}`));
    expect(await mails()).toMatchObject([
      { status: "waiting", attempts: 2, last_error: expect.stringContaining("ECONNREFUSED") },
    ]);
  });

  test("what a copy that died had claimed is sent by another one after a while", async () => {
    const { url, taken } = await openSmtp();
    await queueMail(db.pool, LETTER);
    // As a claim leaves it.
    await db.pool.query("update mail set attempts = 1, next_at = now() + interval '3 minutes'");
    expect(await sendMails(db.pool, mailer(url))).toBe(0);
    await due();
    expect(await sendMails(db.pool, mailer(url))).toBe(1);
    expect(taken).toHaveLength(1);
  });
});

test("what is wrong with the configuration is said before anything is sent", () => {
  expect(() => checkMailConfig("localhost:25", "a@b.c")).toThrow("SMTP_URL");
  expect(() => checkMailConfig("http://localhost", "a@b.c")).toThrow("SMTP_URL");
  for (const from of [undefined, "", "nobody", "a@b.c\r\nBcc: d@e.f", "A <a@b.c"])
    expect(() => checkMailConfig("smtp://localhost", from), from).toThrow("MAIL_FROM");
  expect(checkMailConfig("smtps://u:p@mail.example.com:465", "Moov <a@b.c>").from).toBe("Moov <a@b.c>");
});
