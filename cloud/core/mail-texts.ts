/**
 * What mails of the sign-in say, in Portuguese and, below it, in English and Spanish: who gets one has not told
 * their language yet. Plain text; names of others are shown as they are and never make a link. Pure.
 */

export type MailText = { subject: string; text: string };

/** One line, so that nobody writes headers or a letter of their own into ours. */
const line = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").slice(0, 200);

const inAll = (subject: string, ...languages: string[][]): MailText => ({
  subject: line(subject),
  text: `${languages.map((paragraphs) => paragraphs.join("\n\n")).join("\n\n—\n\n")}\n`,
});

export const invitationMail = (operator: string, inviter: string, url: string): MailText =>
  inAll(
    `Moov.olt: ${line(operator)}`,
    [
      `${line(inviter)} convidou você para ${line(operator)} no Moov.olt.`,
      url,
      "O convite vale por 7 dias e uma única vez. Se você não o esperava, ignore esta mensagem.",
    ],
    [
      `${line(inviter)} has invited you to ${line(operator)} on Moov.olt: open the link above.`,
      "The invitation is good for 7 days, once. If you did not expect it, ignore this message.",
    ],
    [
      `${line(inviter)} le ha invitado a ${line(operator)} en Moov.olt: abra el enlace de arriba.`,
      "La invitación vale 7 días y una sola vez. Si no la esperaba, ignore este mensaje.",
    ],
  );

export const passwordResetMail = (url: string): MailText =>
  inAll(
    "Moov.olt: nova senha / new password / nueva contraseña",
    [
      "Alguém pediu uma nova senha para esta conta. Para escolhê-la:",
      url,
      "O link vale por uma hora e uma única vez. Se não foi você, ignore esta mensagem: nada muda.",
    ],
    [
      "Somebody asked for a new password for this account: open the link above to choose one.",
      "It is good for one hour, once. If it was not you, ignore this message: nothing changes.",
    ],
    [
      "Alguien pidió una nueva contraseña para esta cuenta: abra el enlace de arriba para elegirla.",
      "Vale una hora y una sola vez. Si no fue usted, ignore este mensaje: nada cambia.",
    ],
  );

export const verifyEmailMail = (url: string): MailText =>
  inAll(
    "Moov.olt: confirme seu e-mail / confirm your e-mail address / confirme su correo",
    [
      "Para confirmar que este endereço é seu, abra o link no navegador em que você está conectado:",
      url,
      "Se você não tem conta no Moov.olt, ignore esta mensagem.",
    ],
    [
      "To confirm that this address is yours, open the link above in the browser in which you are signed in.",
      "If you have no account with Moov.olt, ignore this message.",
    ],
    [
      "Para confirmar que esta dirección es suya, abra el enlace de arriba en el navegador en el que inició sesión.",
      "Si no tiene cuenta en Moov.olt, ignore este mensaje.",
    ],
  );
