/** Changes one value of a station. A template that wants another value will have its way: said before. */
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { CommandView } from "../../api/schemas.ts";
import type { ConfigurationValue } from "../../api/template-schemas.ts";
import { useSendCommand } from "../lib/command-form.ts";
import { nameOf, writeCommand } from "../lib/configuration.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./field.tsx";
import { ProblemNote } from "./problem.tsx";
import { CommandProgress } from "./quick-command.tsx";
import { useStation } from "./station-context.tsx";

type Props = { value: ConfigurationValue; protocol: string | null; onClose: () => void };

export function ValueDialog({ value, protocol, onClose }: Props) {
  const t = useTranslations();
  const { station } = useStation();
  const [text, setText] = useState(value.actual ?? value.wanted ?? "");
  const [made, setMade] = useState<CommandView | null>(null);
  const { send, changed } = useSendCommand(station.stationId, setMade);
  const name = nameOf(value, protocol);
  return (
    <Dialog title={t("configuration.change", { name })} onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!send.isPending) send.mutate(writeCommand(value, protocol, text));
        }}
      >
        <TextField
          label={name}
          hint={[value.dataType, value.unit].filter(Boolean).join(" · ") || undefined}
          value={text}
          maxLength={protocol === "ocpp1.6" ? 500 : 2_500}
          autoComplete="off"
          spellCheck={false}
          className="font-mono"
          onChange={(event) => {
            setText(event.target.value);
            changed();
          }}
        />
        {value.wanted !== null && value.wanted !== text && (
          <p className="rounded-lg bg-amber-soft px-3 py-2 text-sm text-amber">
            {t("configuration.willBeUndone", { template: value.template ?? "", value: value.wanted })}
          </p>
        )}
        {!station.online && (
          <p className="rounded-lg bg-amber-soft px-3 py-2 text-sm text-amber">
            {t("command.offlineWaits", { station: station.stationId })}
          </p>
        )}
        {send.isError && <ProblemNote error={send.error} />}
        <div className="flex items-center justify-end gap-2">
          {made !== null && <CommandProgress made={made} />}
          <Button look="ghost" onClick={onClose}>
            {made === null ? t("common.cancel") : t("common.close")}
          </Button>
          <Button type="submit" look="primary" disabled={send.isPending}>
            {t("configuration.write")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
