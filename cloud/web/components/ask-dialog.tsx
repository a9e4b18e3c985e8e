/** One question before something is done that cannot be taken back, in words that name the thing. */
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { ProblemNote } from "./problem.tsx";

type Props = {
  title: string;
  action: string;
  danger?: boolean;
  onAct: () => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
};

export function AskDialog({ title, action, danger = true, onAct, onClose, children }: Props) {
  const t = useTranslations();
  const act = useMutation({ mutationFn: onAct, onSuccess: onClose });
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className="space-y-4"
        onChange={() => act.reset()}
        onSubmit={(event) => {
          event.preventDefault();
          if (!act.isPending) act.mutate();
        }}
      >
        {children}
        {act.isError && <ProblemNote error={act.error} />}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" look={danger ? "danger" : "primary"} disabled={act.isPending}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
