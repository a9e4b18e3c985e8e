/** The mail that asks a driver to pay what it owes, in the driver's language. Plain text. Pure. */
import { amountText } from "../../shared/currency.ts";
import type { GuestLanguage } from "./guest-mail.ts";

const WORDS: Record<
  GuestLanguage,
  {
    subject: (operator: string) => string;
    text: (operator: string, amounts: string) => string;
    ignore: string;
  }
> = {
  "pt-BR": {
    subject: (operator) => `${operator}: valor em aberto`,
    text: (operator, amounts) =>
      `Olá!\n\nVocê tem em aberto com ${operator}: ${amounts}.\n\nPara ver e pagar, entre com este e-mail:`,
    ignore: "Se você já pagou, ignore esta mensagem.",
  },
  en: {
    subject: (operator) => `${operator}: an amount is open`,
    text: (operator, amounts) =>
      `Hello,\n\nthis is open between you and ${operator}: ${amounts}.\n\n` +
      "To see it and pay, sign in with this address:",
    ignore: "If you have paid already, ignore this message.",
  },
  es: {
    subject: (operator) => `${operator}: importe pendiente`,
    text: (operator, amounts) =>
      `Hola:\n\nTiene pendiente con ${operator}: ${amounts}.\n\nPara verlo y pagar, entre con este correo:`,
    ignore: "Si ya pagó, ignore este mensaje.",
  },
};

/** One line, so that the name of an operator writes no letter of its own. */
const line = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").slice(0, 100);

/** @param url the driver's page, behind its sign-in: whoever else reads the mail sees nothing there. */
export function paymentRequestMail(
  language: GuestLanguage,
  of: { operator: string; owed: readonly { currency: string; amountMinor: number }[]; url: string },
): { subject: string; text: string } {
  const words = WORDS[language];
  const amounts = of.owed.map(({ currency, amountMinor }) => amountText(language, amountMinor, currency));
  const operator = line(of.operator);
  return {
    subject: words.subject(operator),
    text: `${words.text(operator, amounts.join(" + "))}\n${of.url}\n\n${words.ignore}\n`,
  };
}
