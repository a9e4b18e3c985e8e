/** A command's life on its own page: every step with its time, the outcome with what it means. */
import { useTranslations } from "use-intl";
import type { CommandView } from "../../api/schemas.ts";
import { COMMAND_LOOK, commandSteps, type CommandStep } from "../lib/state.ts";
import { TONE_TEXT } from "./badge.tsx";
import { Icon } from "./icon.tsx";
import { When } from "./time.tsx";

export function CommandSteps({ command, timeZone }: { command: CommandView; timeZone: string | undefined }) {
  const t = useTranslations();
  const steps = commandSteps(command);
  return (
    <ol aria-label={t("command.steps")} aria-live="polite">
      {steps.map((step, index) => (
        <Step key={index} {...{ step, timeZone }} last={index === steps.length - 1} />
      ))}
    </ol>
  );
}

type StepProps = { step: CommandStep; last: boolean; timeZone: string | undefined };

function Step({ step, last, timeZone }: StepProps) {
  const t = useTranslations();
  const outcome = last && step.phase === "now";
  const { icon, tone } = COMMAND_LOOK[step.name];
  const reached = step.phase === "done" || step.phase === "now";
  return (
    <li className="relative flex gap-3 pb-4 last:pb-0">
      {!last && (
        <span
          aria-hidden="true"
          className={`absolute top-6 bottom-0 left-[0.6875rem] w-px ${reached ? "bg-line-strong" : "bg-line"}`}
        />
      )}
      <span
        className={`z-1 flex size-[1.4rem] shrink-0 items-center justify-center rounded-full border bg-surface ${
          reached
            ? `border-line-strong ${outcome ? TONE_TEXT[tone] : "text-ink-2"}`
            : "border-line text-ink-3"
        }`}
      >
        <Icon
          name={outcome ? icon : step.phase === "done" ? "check" : "dot"}
          className={`size-3.5 ${step.phase === "now" && !outcome ? "animate-breathe" : ""}`}
        />
      </span>
      <div className="min-w-0">
        <p className={outcome ? `font-semibold ${TONE_TEXT[tone]}` : reached ? "font-medium" : "text-ink-3"}>
          <span className={step.phase === "skipped" ? "line-through" : ""}>
            {t(`commandState.${step.name}`)}
          </span>
          <span className="sr-only"> {t(`commandPhase.${step.phase}`)}</span>
        </p>
        <p className="text-[0.8125rem] text-ink-3">
          {step.at === null ? t(`commandStepHint.${step.name}`) : <When at={step.at} timeZone={timeZone} />}
        </p>
      </div>
    </li>
  );
}
