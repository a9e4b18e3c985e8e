/**
 * What a mail about alarms says: one mail per rule and look, in Portuguese and, below it, English and Spanish. Plain
 * text; names are shown as they are and never make a line of their own. Pure.
 */
import { ALARM_LINES_MAX } from "../../shared/limits.ts";
import { alarmKind } from "./alarm-kinds.ts";

export type AlarmNews = {
  subject: string;
  siteName: string | null;
  detail: Readonly<Record<string, unknown>>;
};
export type AlarmLetter = {
  rule: { name: string; kind: string; severity: string };
  raised: readonly AlarmNews[];
  cleared: readonly AlarmNews[];
  /** RFC 3339, UTC. */
  at: string;
};

const line = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").slice(0, 200);

const SEVERITIES: Readonly<Record<string, { pt: string; es: string }>> = {
  info: { pt: "informação", es: "información" },
  warning: { pt: "aviso", es: "aviso" },
  critical: { pt: "crítico", es: "crítico" },
};

/** `backlogEntries: 12000`: the names of details are the API's. */
const detailOf = (detail: AlarmNews["detail"]): string =>
  Object.entries(detail)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${line(String(value))}`)
    .join(", ");

function list(title: string, news: readonly AlarmNews[], more: (count: number) => string): string[] {
  if (news.length === 0) return [];
  const shown = news.slice(0, ALARM_LINES_MAX).map(({ subject, siteName, detail }) => {
    const place = siteName === null ? "" : ` (${line(siteName)})`;
    const words = detailOf(detail);
    return `- ${line(subject)}${place}${words === "" ? "" : ` — ${words}`}`;
  });
  const rest = news.length - shown.length;
  return [`${title}:`, ...shown, ...(rest > 0 ? [more(rest)] : []), ""];
}

export function alarmMail({ rule, raised, cleared, at }: AlarmLetter): { subject: string; text: string } {
  const words = alarmKind(rule.kind)?.words ?? { en: rule.kind, pt: rule.kind, es: rule.kind };
  const severity = SEVERITIES[rule.severity] ?? { pt: rule.severity, es: rule.severity };
  const counts = [
    ...(raised.length > 0 ? [`${raised.length} novo / new`] : []),
    ...(cleared.length > 0 ? [`${cleared.length} encerrado / over`] : []),
  ].join(", ");
  const text = [
    `${words.pt} (${severity.pt}), regra "${line(rule.name)}", ${at}`,
    "",
    ...list("Novos alarmes", raised, (rest) => `… e mais ${rest}`),
    ...list("Encerrados", cleared, (rest) => `… e mais ${rest}`),
    "—",
    "",
    `${words.en} (${rule.severity}), rule "${line(rule.name)}", ${at}`,
    "",
    ...list("New alarms", raised, (rest) => `… and ${rest} more`),
    ...list("Over", cleared, (rest) => `… and ${rest} more`),
    "—",
    "",
    `${words.es} (${severity.es}), regla "${line(rule.name)}", ${at}`,
    "",
    ...list("Nuevas alarmas", raised, (rest) => `… y ${rest} más`),
    ...list("Terminadas", cleared, (rest) => `… y ${rest} más`),
  ].join("\n");
  return { subject: `Moov.olt: ${line(rule.name)}: ${counts}`, text };
}
