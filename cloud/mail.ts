/**
 * Mail: an outbox in the database, written in the transaction of what causes it, and a sender over SMTP.
 *
 * A mail is sent at least once: where the answer of the server is lost, it goes out again under the same
 * Message-ID. Its content is forgotten when it was sent or given up. Without SMTP_URL mails wait.
 */
import { createTransport } from "nodemailer";
import { AppError, assert, describeError } from "../shared/errors.ts";
import { MAIL_BYTES_MAX, MAIL_SEND_MS_MAX } from "../shared/limits.ts";
import type { Queryable } from "./db/pool.ts";
import { toJson } from "./ingest/apply.ts";

export type MailAttachment = { name: string; type: string; content: Buffer };

export type NewMail = {
  /** null: of nobody's operator (signing in). */
  operatorId: string | null;
  /** What it is about, for the list of mails: `invitation`, `receipt`, `alarm`, … */
  kind: string;
  to: string;
  subject: string;
  text: string;
  html?: string;
  attachments?: readonly MailAttachment[];
};

type Content = {
  text: string;
  html?: string;
  attachments?: { name: string; type: string; base64: string }[];
};

/** A mail as the sender gets it. */
export type OutgoingMail = { mail_id: string; recipient: string; title: string; content: Content };

/** What became of a try: `refused` is the server's last word, `later` is worth another try. */
export type MailOutcome = { kind: "sent" } | { kind: "refused" | "later"; reason: string };

/** @returns the id of the mail. */
export async function queueMail(client: Queryable, mail: NewMail): Promise<string> {
  const { operatorId, kind, to, subject, text, html } = mail;
  const attachments = mail.attachments?.map(({ name, type, content }) => ({
    name,
    type,
    base64: content.toString("base64"),
  }));
  const content = toJson({ text, html, attachments });
  assert(content.length <= MAIL_BYTES_MAX, "a mail is not larger than mail servers take");
  const { rows } = await client.query<{ mail_id: string }>(
    "select mail_queue($1, $2, $3, $4, $5) as mail_id",
    [
      operatorId,
      kind,
      to,
      // One line, whatever a name in it holds.
      subject.replace(/[\r\n]+/g, " ").slice(0, 250),
      content,
    ],
  );
  return rows[0]?.mail_id ?? "";
}

/** What brings letters to people: by the outbox, at once or with what somebody does in a transaction. */
export const letterBox =
  (pool: Queryable) =>
  async (
    to: string,
    subject: string,
    text: string,
    within?: { client: Queryable; operatorId: string; kind: string },
  ): Promise<void> => {
    const { client, operatorId, kind } = within ?? { client: pool, operatorId: null, kind: "sign-in" };
    await queueMail(client, { operatorId, kind, to, subject, text });
  };

export type MailConfig = { smtpUrl: string; from: string };

/** @throws AppError CONFIG_INVALID. */
export function checkMailConfig(smtpUrl: string, from: string | undefined): MailConfig {
  if (!URL.canParse(smtpUrl) || !/^smtps?:$/.test(new URL(smtpUrl).protocol))
    throw new AppError("CONFIG_INVALID", "SMTP_URL is not an address", {
      hint: "smtp://user:password@host:587 or smtps://user:password@host:465",
    });
  if (from === undefined || !/^(?:[^<>@\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/.test(from))
    throw new AppError("CONFIG_INVALID", "MAIL_FROM is not an e-mail address", {
      hint: "MAIL_FROM=charging@example.com, or: Example Charging <charging@example.com>",
    });
  return { smtpUrl, from };
}

/** The server's last word about this mail. What it says of our password (EAUTH) is not about the mail. */
function isFinal(error: unknown): boolean {
  const { code, responseCode } = error as { code?: string; responseCode?: number };
  return code !== "EAUTH" && responseCode !== undefined && responseCode >= 500;
}

export type Mailer = ReturnType<typeof createMailer>;

/** @param limits shorter ones make a test quick. */
export function createMailer(config: MailConfig, limits: { sendMs?: number } = {}) {
  const sendMs = limits.sendMs ?? MAIL_SEND_MS_MAX;
  const domain = /@([^>\s]+)/.exec(config.from)?.[1] ?? "localhost";
  const transport = createTransport({
    url: config.smtpUrl,
    connectionTimeout: Math.min(10_000, sendMs),
    greetingTimeout: Math.min(10_000, sendMs),
    socketTimeout: Math.min(30_000, sendMs),
    // What a mail holds is what we wrote: nothing in it may name a file or an address to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  });

  async function send(mail: OutgoingMail): Promise<void> {
    const { text, html, attachments = [] } = mail.content;
    await transport.sendMail({
      from: config.from,
      to: { name: "", address: mail.recipient },
      subject: mail.title,
      text,
      messageId: `<${mail.mail_id}@${domain}>`,
      headers: { "Auto-Submitted": "auto-generated" },
      ...(html === undefined ? {} : { html }),
      attachments: attachments.map((a) => ({
        filename: a.name,
        contentType: a.type,
        content: Buffer.from(a.base64, "base64"),
      })),
    });
  }

  return {
    from: config.from,
    /** Never rejects. */
    async send(mail: OutgoingMail): Promise<MailOutcome> {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<MailOutcome>((resolve) => {
        const reason = `the mail server did not take it within ${sendMs / 1_000} s`;
        timer = setTimeout(() => resolve({ kind: "later", reason }), sendMs);
      });
      const sent = send(mail).then(
        (): MailOutcome => ({ kind: "sent" }),
        (error: unknown): MailOutcome => ({
          kind: isFinal(error) ? "refused" : "later",
          reason: describeError(error).slice(0, 500),
        }),
      );
      try {
        return await Promise.race([sent, late]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
