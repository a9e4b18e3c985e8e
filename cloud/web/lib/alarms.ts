/** Alarms: how they look, and what the pages of what goes out ask for. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useLocale } from "use-intl";
import type { Alarm } from "../../api/notify-schemas.ts";
import { fetchAll } from "./api.ts";
import { call } from "./client.ts";
import type { IconName, Tone } from "./state.ts";

const EVERY_MS = 20_000;
const PAGE = 200;
const PAGES_MAX = 5;

export const SEVERITIES = ["info", "warning", "critical"] as const;

export const SEVERITY_LOOK: Record<Alarm["severity"], { icon: IconName; tone: Tone }> = {
  info: { icon: "question", tone: "neutral" },
  warning: { icon: "alert", tone: "amber" },
  critical: { icon: "alert", tone: "red" },
};

/** Open ones: in the navigation and at the top of the page. */
export const openAlarmsQuery = () =>
  queryOptions({
    queryKey: ["alarms", "open"],
    refetchInterval: EVERY_MS,
    queryFn: ({ signal }) =>
      fetchAll(
        (cursor) => call("listAlarms", { query: { status: "open", limit: PAGE, cursor }, signal }),
        PAGES_MAX,
      ),
  });

export const alarmRulesQuery = () =>
  queryOptions({
    queryKey: ["alarms", "rules"],
    queryFn: ({ signal }) =>
      fetchAll((cursor) => call("listAlarmRules", { query: { limit: PAGE, cursor }, signal }), PAGES_MAX),
  });

export const alarmKindsQuery = () =>
  queryOptions({
    queryKey: ["alarms", "kinds"],
    staleTime: Infinity,
    queryFn: ({ signal }) => call("listAlarmKinds", { signal }),
  });

/** The language of words that the cloud has for kinds. */
export const useKindLanguage = (): "en" | "pt" | "es" => {
  const locale = useLocale();
  return locale === "pt-BR" ? "pt" : locale;
};

/**
 * Kinds and rules by name. A rule that was never given a name of its own has its kind's, in the language on
 * screen.
 */
export function useAlarmNames() {
  const kinds = useQuery(alarmKindsQuery()).data?.items;
  const language = useKindLanguage();
  const wordsOf = (kind: string) => kinds?.find((one) => one.kind === kind)?.words;
  const kindName = (kind: string) => wordsOf(kind)?.[language] ?? kind;
  const nameOf = ({ kind, name }: { kind: string; name: string }) => {
    const words = wordsOf(kind);
    return words !== undefined && Object.values(words).includes(name) ? words[language] : name;
  };
  return { kindName, nameOf };
}

export const mailStateQuery = () =>
  queryOptions({
    queryKey: ["mails", "state"],
    queryFn: ({ signal }) => call("getMailState", { signal }),
  });

/** `connector:AC-1:1:1` → ["connector", "AC-1 · 1 · 1"]. Pure. */
export function subjectParts(subject: string): { noun: string; name: string } {
  const [noun = "", ...rest] = subject.split(":");
  return { noun, name: rest.join(" · ") };
}
