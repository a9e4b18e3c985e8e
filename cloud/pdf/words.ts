/**
 * The words of receipts and statements, and how numbers and times look, in each language. Pure: the same
 * input gives the same text.
 */
import { minorDigits } from "../../shared/currency.ts";

export const LANGUAGES = ["pt-BR", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

const PT = {
  receipt: "Recibo de recarga",
  paymentReceipt: "Recibo de pagamento",
  refundReceipt: "Comprovante de devolução",
  statement: "Extrato",
  number: "Nº",
  issued: "Emitido em",
  total: "Total",
  free: "Sem cobrança",
  energy: "Energia",
  duration: "Duração",
  place: "Local",
  station: "Estação",
  start: "Início",
  end: "Fim",
  meter: "Medidor",
  customer: "Cliente",
  description: "Descrição",
  quantity: "Quantidade",
  price: "Preço",
  amount: "Valor",
  net: "Valor líquido",
  tax: "Tributo",
  included: "incluído",
  amountReceived: "Valor recebido",
  amountRefunded: "Valor devolvido",
  provider: "Meio",
  payment: "Pagamento",
  date: "Data",
  reference: "Referência",
  corrects: "Corrige e substitui o recibo do registro nº {n}.",
  replaced: "Este registro foi corrigido e substituído pelo registro nº {n}.",
  record: "Registro",
  transaction: "Transação",
  quality: "Qualidade dos dados",
  verify: "Código de verificação",
  verifyAt: "Confira a autenticidade em {url}",
  verifyHint: "Confira a autenticidade deste recibo com este código.",
  notFiscal: "Este documento não substitui a nota fiscal.",
  page: "Página {n} de {m}",
  period: "Período",
  account: "Conta",
  opening: "Saldo anterior",
  charges: "Recargas",
  payments: "Pagamentos",
  other: "Outros",
  closing: "Saldo final",
  owed: "a pagar",
  credit: "a seu favor",
  sessions: "recargas",
  nothing: "Nenhum lançamento no período.",
  more: "Há mais lançamentos do que cabem aqui; todos estão na conta.",
  per: { Wh: "/kWh", s: "/min", start: "", adjustment: "" },
  component: {
    start: "Taxa de início",
    energy: "Energia",
    "charging-time": "Tempo de recarga",
    "idle-time": "Tempo ocioso",
    minimum: "Complemento ao valor mínimo",
    maximum: "Desconto até o valor máximo",
    correction: "Valor ajustado pelo operador",
  },
  kind: {
    charge: "Recarga",
    payment: "Pagamento",
    refund: "Devolução",
    "overpayment-refund": "Devolução do excedente",
    chargeback: "Estorno do banco",
    "provider-fee": "Tarifa",
    payout: "Repasse",
    "write-off": "Baixa",
    transfer: "Transferência recebida",
    "tax-remittance": "Tributo recolhido",
    rounding: "Arredondamento",
    reversal: "Estorno (correção)",
    manual: "Lançamento manual",
    free: "Recarga sem cobrança",
  },
  payer: {
    driver: "Motorista",
    fleet: "Frota",
    token: "Cartão",
    guest: "Visitante",
    unassigned: "Sem identificação",
  },
  qualityOf: {
    station: "Horários informados pela estação.",
    er: "Horários registrados pelo controlador do local.",
    estimated: "Os horários são estimados; foi aplicada a tarifa mais barata.",
    registers: "Energia pela diferença dos registros do medidor da estação.",
    readings: "Energia pela última leitura recebida: a estação não informou o registro final.",
    decided: "Energia determinada pelo operador.",
    "register-fell": "O registro do medidor diminuiu durante a recarga; valeu o menor consumo.",
    "stop-below-register": "O registro final ficou abaixo de uma leitura anterior; valeu o registro final.",
    "conflicting-stop": "A estação informou dois registros finais; valeu o menor.",
    replayed: "Dados recebidos depois da recarga (estação sem conexão).",
    "written-off": "O operador renunciou à cobrança.",
    waived: "O operador renunciou à cobrança.",
    merged: "Esta recarga faz parte de outra transação.",
  } as Readonly<Record<string, string>>,
};

export type Words = typeof PT;

const EN: Words = {
  receipt: "Charging receipt",
  paymentReceipt: "Payment receipt",
  refundReceipt: "Refund receipt",
  statement: "Statement",
  number: "No.",
  issued: "Issued",
  total: "Total",
  free: "No charge",
  energy: "Energy",
  duration: "Duration",
  place: "Site",
  station: "Station",
  start: "Start",
  end: "End",
  meter: "Meter",
  customer: "Customer",
  description: "Description",
  quantity: "Quantity",
  price: "Price",
  amount: "Amount",
  net: "Net amount",
  tax: "Tax",
  included: "included",
  amountReceived: "Amount received",
  amountRefunded: "Amount refunded",
  provider: "By way of",
  payment: "Payment",
  date: "Date",
  reference: "Reference",
  corrects: "Corrects and replaces the receipt of record no. {n}.",
  replaced: "This record was corrected and replaced by record no. {n}.",
  record: "Record",
  transaction: "Transaction",
  quality: "Quality of the data",
  verify: "Verification code",
  verifyAt: "Check that it is genuine at {url}",
  verifyHint: "Check with this code that this receipt is genuine.",
  notFiscal: "This document is not a tax invoice (nota fiscal).",
  page: "Page {n} of {m}",
  period: "Period",
  account: "Account",
  opening: "Opening balance",
  charges: "Charging",
  payments: "Payments",
  other: "Other",
  closing: "Closing balance",
  owed: "to pay",
  credit: "in your favour",
  sessions: "sessions",
  nothing: "Nothing was booked in this period.",
  more: "There are more entries than fit here; all of them are on the account.",
  per: { Wh: "/kWh", s: "/min", start: "", adjustment: "" },
  component: {
    start: "Start fee",
    energy: "Energy",
    "charging-time": "Charging time",
    "idle-time": "Idle time",
    minimum: "Up to the minimum price",
    maximum: "Down to the maximum price",
    correction: "Amount set by the operator",
  },
  kind: {
    charge: "Charging session",
    payment: "Payment",
    refund: "Refund",
    "overpayment-refund": "Refund of what was overpaid",
    chargeback: "Taken back by the bank",
    "provider-fee": "Fee",
    payout: "Payout",
    "write-off": "Written off",
    transfer: "Transfer received",
    "tax-remittance": "Tax remitted",
    rounding: "Rounding",
    reversal: "Reversal (correction)",
    manual: "Manual entry",
    free: "Charging session, no charge",
  },
  payer: {
    driver: "Driver",
    fleet: "Fleet",
    token: "Card",
    guest: "Guest",
    unassigned: "Not identified",
  },
  qualityOf: {
    station: "Times as told by the station.",
    er: "Times as recorded by the site's controller.",
    estimated: "Times are estimated; the cheapest price was applied.",
    registers: "Energy by the difference of the registers of the station's meter.",
    readings: "Energy by the last reading received: the station did not tell a final register.",
    decided: "Energy as determined by the operator.",
    "register-fell": "The meter's register fell during the session; the lower consumption counted.",
    "stop-below-register": "The final register was below an earlier reading; the final register counted.",
    "conflicting-stop": "The station told two final registers; the lower one counted.",
    replayed: "Data received after the session (the station was not connected).",
    "written-off": "The operator has waived the charge.",
    waived: "The operator has waived the charge.",
    merged: "This session is part of another transaction.",
  },
};

export const WORDS: Readonly<Record<Language, Words>> = { "pt-BR": PT, en: EN };

/** `{n}` and the like. */
export const fill = (text: string, values: Record<string, string | number>): string =>
  text.replaceAll(/\{(\w+)\}/g, (_all, name: string) => String(values[name] ?? ""));

/** What the fonts of a PDF do not know: narrow and unbreakable blanks, other minus signs. */
const plain = (text: string) => text.replaceAll(/[\u00a0\u202f\u2009]/g, " ").replaceAll("\u2212", "-");

export function formatsOf(language: Language, currency: string, timeZone: string) {
  const digits = minorDigits(currency);
  const money = new Intl.NumberFormat(language, {
    ...{ style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits },
  });
  const price = new Intl.NumberFormat(language, {
    ...{ style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: 6 },
  });
  const number = new Intl.NumberFormat(language, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
  const percent = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
  const locale = language === "en" ? "en-GB" : language;
  const day = { day: "2-digit", month: "2-digit", year: "numeric" } as const;
  const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
  const time = new Intl.DateTimeFormat(locale, { timeZone, ...day, ...clock });
  const date = new Intl.DateTimeFormat(locale, { timeZone, ...day });
  return {
    money: (minor: number) => plain(money.format(minor / 10 ** digits)),
    price: (micro: number) => plain(price.format(micro / 1_000_000)),
    kWh: (wh: number) => `${plain(number.format(wh / 1_000))} kWh`,
    percent: (bp: number) => `${plain(percent.format(bp / 100))} %`,
    time: (at: number) => plain(time.format(at)),
    date: (at: number) => plain(date.format(at)),
    duration(ms: number) {
      const s = Math.max(0, Math.floor(ms / 1_000));
      const two = (n: number) => String(n).padStart(2, "0");
      return `${Math.floor(s / 3_600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
    },
  };
}
export type Formats = ReturnType<typeof formatsOf>;
