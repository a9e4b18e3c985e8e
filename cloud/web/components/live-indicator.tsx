/** Whether what is on screen moves by itself. */
import { useTranslations } from "use-intl";
import { liveState, lostAt, type LiveState } from "../lib/live.ts";
import { useValue } from "../lib/value.ts";
import { Icon } from "./icon.tsx";
import { Since } from "./time.tsx";

const TONE: Record<Exclude<LiveState, "refused">, string> = {
  connecting: "text-ink-3",
  live: "text-accent",
  reconnecting: "text-amber",
};

export function LiveIndicator() {
  const t = useTranslations();
  const state = useValue(liveState);
  const lost = useValue(lostAt);
  if (state === "refused") return null;
  const live = state === "live";
  return (
    <span
      role="status"
      title={t(`liveHint.${state}`)}
      className={`inline-flex h-8 items-center gap-1 text-[0.8125rem] font-medium ${TONE[state]}`}
    >
      <Icon
        name={live ? "dot" : state === "connecting" ? "clock" : "offline"}
        className={`size-4 ${live ? "animate-breathe" : ""}`}
      />
      {t(`live.${state}`)}
      {lost !== null && <span aria-hidden="true">· {<Since at={new Date(lost).toISOString()} />}</span>}
    </span>
  );
}
