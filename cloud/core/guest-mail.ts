/** The mail with a guest's receipt, in the guest's language. Plain text. Pure. */
import { amountText } from "../../shared/currency.ts";

export type GuestMail = { subject: string; text: string };

const WORDS = {
  "pt-BR": {
    subject: "Recibo da recarga",
    text: (site: string, amount: string) =>
      `Olá!\n\nSua recarga em ${site} custou ${amount}. O recibo está anexo.\n\nDetalhes:`,
    changed: "Este recibo substitui o anterior.",
  },
  en: {
    subject: "Receipt for your charging",
    text: (site: string, amount: string) =>
      `Hello,\n\nyour charging at ${site} cost ${amount}. The receipt is attached.\n\nDetails:`,
    changed: "This receipt takes the place of the one before.",
  },
  es: {
    subject: "Recibo de su carga",
    text: (site: string, amount: string) =>
      `Hola:\n\nSu carga en ${site} costó ${amount}. El recibo va adjunto.\n\nDetalles:`,
    changed: "Este recibo sustituye al anterior.",
  },
} as const;

export type GuestLanguage = keyof typeof WORDS;

export const isGuestLanguage = (text: string): text is GuestLanguage => Object.hasOwn(WORDS, text);

/** One line, so that the name of a site writes no letter of its own. */
const line = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").slice(0, 100);

/** @param url the guest's page. @param again a receipt was sent before, and the price has changed. */
export function guestReceiptMail(
  language: GuestLanguage,
  {
    site,
    totalMinor,
    currency,
    url,
    again,
  }: { site: string; totalMinor: number; currency: string; url: string; again: boolean },
): GuestMail {
  const words = WORDS[language];
  const text = `${words.text(line(site), amountText(language, totalMinor, currency))}\n${url}\n`;
  return { subject: `${words.subject}: ${line(site)}`, text: again ? `${text}\n${words.changed}\n` : text };
}
