/** A driver is asked to pay what it owes: by a mail, and by an address to hand on. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Driver } from "../../api/driver-schemas.ts";
import { ApiError, newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { Button } from "./button.tsx";
import { CopyLine } from "./copy.tsx";
import { Dialog } from "./dialog.tsx";
import { MayButton } from "./may.tsx";
import { Note } from "./note.tsx";
import { ProblemNote } from "./problem.tsx";

const PROBLEMS = ["NOTHING_OWED", "NO_PROVIDER", "NO_EMAIL", "DRIVER_CANNOT_SIGN_IN"] as const;

export function AskToPay({ driver }: { driver: Driver }) {
  const t = useTranslations();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <MayButton needs="payments:write" icon="mail" onClick={() => setAsking(true)}>
        {t("drivers.pay.ask")}
      </MayButton>
      {asking && <AskDialog driver={driver} onClose={() => setAsking(false)} />}
    </>
  );
}

function AskDialog({ driver, onClose }: { driver: Driver; onClose: () => void }) {
  const t = useTranslations();
  const [idempotencyKey] = useState(newId);
  const ask = useMutation({
    mutationFn: () => call("askDriverToPay", { path: { driverId: driver.driverId }, idempotencyKey }),
  });
  const { data, error } = ask;
  const known = error instanceof ApiError ? PROBLEMS.find((one) => one === error.code) : undefined;
  return (
    <Dialog title={t("drivers.pay.title", { name: driver.name ?? t("drivers.noName") })} onClose={onClose}>
      <div className="space-y-4">
        {data === undefined ? (
          <p>{t("drivers.pay.text")}</p>
        ) : (
          <>
            <Note
              icon={data.mailed ? "mail" : "alert"}
              tone={data.mailed ? "accent" : "amber"}
              title={t(data.mailed ? "drivers.pay.sent" : "drivers.pay.waits", { email: data.email })}
            >
              {t("drivers.pay.hint")}
            </Note>
            <CopyLine text={data.url} />
          </>
        )}
        {known !== undefined && <Note icon="alert" tone="red" title={t(`drivers.pay.problem.${known}`)} />}
        {ask.isError && known === undefined && <ProblemNote error={error} />}
        <div className="flex justify-end gap-2">
          {data === undefined ? (
            <>
              <Button look="ghost" onClick={onClose}>
                {t("common.cancel")}
              </Button>
              <Button look="primary" disabled={ask.isPending} onClick={() => ask.mutate()}>
                {t("drivers.pay.send")}
              </Button>
            </>
          ) : (
            <Button key="done" look="primary" onClick={onClose}>
              {t("common.close")}
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}
