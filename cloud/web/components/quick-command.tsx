/** A command without a form: one press, and then how far it has come, with the way to its page. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { CommandView, NewCommand } from "../../api/schemas.ts";
import { permissionOfCommand } from "../../core/access.ts";
import { useSendCommand } from "../lib/command-form.ts";
import { commandQuery } from "../lib/queries.ts";
import { COMMAND_LOOK, isFinished, type CommandState } from "../lib/state.ts";
import { TONE_TEXT } from "./badge.tsx";
import { Icon, type IconName } from "./icon.tsx";
import { MayButton } from "./may.tsx";
import { ProblemNote } from "./problem.tsx";

type Props = { stationId: string; command: NewCommand; label: string; icon: IconName };

export function QuickCommand({ stationId, command, label, icon }: Props) {
  const [made, setMade] = useState<CommandView | null>(null);
  const { send } = useSendCommand(stationId, setMade);
  return (
    <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
      {made !== null && <CommandProgress made={made} />}
      <MayButton
        needs={permissionOfCommand(command.kind)}
        icon={icon}
        disabled={send.isPending}
        onClick={() => send.mutate(command)}
      >
        {label}
      </MayButton>
      {send.isError && <ProblemNote error={send.error} />}
    </div>
  );
}

/** Where a command stands, in one word that leads to it. */
export function CommandProgress({ made }: { made: CommandView }) {
  const t = useTranslations();
  const command = useQuery(commandQuery(made.commandId)).data ?? made;
  const status = command.status as CommandState;
  const { icon, tone } = COMMAND_LOOK[status];
  return (
    <span role="status">
      <Link
        to="/stations/$stationId/commands/$commandId"
        params={command}
        className={`inline-flex h-8 items-center gap-1 rounded text-[0.8125rem] hover:underline
          pointer-coarse:h-11 ${TONE_TEXT[tone]}`}
      >
        <Icon name={icon} className={`size-3.5 ${isFinished(command) ? "" : "animate-breathe"}`} />
        {t(`commandState.${status}`)}
      </Link>
    </span>
  );
}
