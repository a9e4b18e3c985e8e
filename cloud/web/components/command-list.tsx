/** Commands and how far each of them has come: its steps, the station's answer, the reason. */
import { Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { CommandView } from "../../api/schemas.ts";
import { api } from "../lib/api.ts";
import { useFeed } from "../lib/feed.ts";
import { COMMAND_LOOK, commandSteps, isFinished, type CommandState, type CommandStep } from "../lib/state.ts";
import { useCommandText } from "../lib/command-words.ts";
import { Badge, TONE_TEXT } from "./badge.tsx";
import { Button } from "./button.tsx";
import { Card, Empty, Skeleton } from "./card.tsx";
import { Icon } from "./icon.tsx";
import { ProblemNote } from "./problem.tsx";
import { Ago } from "./time.tsx";

type ListProps = {
  stationId: string;
  timeZone: string | undefined;
  /** Shown before "older" is asked for. */
  pageSize: number;
};

export function CommandList({ stationId, timeZone, pageSize }: ListProps) {
  const t = useTranslations();
  const feed = useFeed<CommandView>({
    queryKey: ["commands", stationId],
    fetchPage: (cursor, signal) => api.commands(stationId, { limit: pageSize, cursor }, signal),
    idOf: (command) => command.commandId,
  });
  if (feed.query.isPending) return <Skeleton className="h-24 w-full" />;
  if (feed.query.error !== null && feed.items.length === 0) return <ProblemNote error={feed.query.error} />;
  if (feed.items.length === 0) return <Empty title={t("command.none")}>{t("command.noneHint")}</Empty>;
  return (
    <div className="space-y-2">
      <ol className="space-y-2" aria-live="polite" aria-relevant="additions text">
        {feed.items.map((command) => (
          <li key={command.commandId}>
            <CommandCard command={command} timeZone={timeZone} />
          </li>
        ))}
      </ol>
      {feed.hasOlder && (
        <Button look="ghost" small onClick={() => void feed.loadOlder()} disabled={feed.older.busy}>
          {t("common.older")}
        </Button>
      )}
    </div>
  );
}

type Unhappy = "rejected" | "failed" | "expired" | "uncertain" | "superseded";
export const isUnhappy = (status: CommandState): status is Unhappy =>
  ["rejected", "failed", "expired", "uncertain", "superseded"].includes(status);

function CommandCard({ command, timeZone }: { command: CommandView; timeZone: string | undefined }) {
  const t = useTranslations();
  const text = useCommandText();
  const status = command.status as CommandState;
  const finished = isFinished(command);
  return (
    <Card className={`relative px-4 py-3 hover:border-line-strong ${finished ? "" : "animate-arrive"}`}>
      <div className="flex flex-wrap items-baseline justify-between gap-x-3">
        <Link
          to="/stations/$stationId/commands/$commandId"
          params={command}
          className="font-medium break-words hover:underline after:absolute after:inset-0"
        >
          {text(command)}
        </Link>
        <p className="text-[0.8125rem] text-ink-3">
          <Ago at={command.issuedAt} timeZone={timeZone} /> · {command.issuedBy}
        </p>
      </div>
      <Steps steps={commandSteps(command)} />
      {isUnhappy(status) && (
        <p className={`mt-2 text-sm ${TONE_TEXT[COMMAND_LOOK[status].tone]}`}>
          {t(`commandOutcome.${status}`)}
        </p>
      )}
      {command.reason !== null && <p className="mt-1 text-sm break-words text-ink-2">{command.reason}</p>}
    </Card>
  );
}

const isReached = (step: CommandStep) => step.phase === "done" || step.phase === "now";

function Steps({ steps }: { steps: CommandStep[] }) {
  const t = useTranslations();
  const last = steps.at(-1);
  return (
    <ol className="mt-2 flex items-center gap-1.5" aria-label={t("command.steps")}>
      {steps.map((step, index) => {
        const final = step === last && step.phase === "now";
        const { icon, tone } = COMMAND_LOOK[step.name];
        const state = t(`commandState.${step.name}`);
        return (
          <li
            key={index}
            className={`flex items-center gap-1.5 ${index === 0 ? "" : "flex-1"}`}
            title={step.at === null ? undefined : state}
          >
            {index > 0 && (
              <span className={`h-px min-w-2 flex-1 ${isReached(step) ? "bg-line-strong" : "bg-line"}`} />
            )}
            {final ? (
              <Badge tone={tone} icon={icon}>
                {state}
              </Badge>
            ) : (
              <StepMark step={step} state={state} />
            )}
          </li>
        );
      })}
    </ol>
  );
}

function StepMark({ step, state }: { step: CommandStep; state: string }) {
  const t = useTranslations();
  const busy = step.phase === "now";
  const look = {
    done: "text-ink-2",
    now: "font-medium text-accent",
    skipped: "text-ink-3 line-through",
    next: "text-ink-3",
  };
  return (
    <span className={`inline-flex h-6 items-center gap-1 text-[0.8125rem] ${look[step.phase]}`}>
      <Icon
        name={step.phase === "done" ? "check" : "dot"}
        className={`size-3.5 ${busy ? "animate-breathe" : ""}`}
      />
      <span className={busy ? "" : "max-sm:sr-only"}>{state}</span>
      <span className="sr-only">{t(`commandPhase.${step.phase}`)}</span>
    </span>
  );
}
