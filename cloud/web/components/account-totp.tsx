/**
 * The second factor: an authenticator app, set up by a QR code and confirmed by one of its codes, and
 * backup codes for when the phone is gone. Secrets and backup codes are shown once.
 */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Person } from "../lib/api.gen.ts";
import { saveAs } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { Badge } from "./badge.tsx";
import { CurrentPasswordField } from "./account-password.tsx";
import { Button } from "./button.tsx";
import { Card, Section } from "./card.tsx";
import { CopyButton, CopyLine } from "./copy.tsx";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./field.tsx";
import { PlainForm } from "./new-account.tsx";
import { Note } from "./note.tsx";
import { ProblemNote } from "./problem.tsx";

export function AccountTotp({ person }: { person: Person }) {
  const t = useTranslations();
  const [open, setOpen] = useState<"enrol" | "disable" | "renew" | null>(null);
  const close = () => setOpen(null);
  return (
    <Section title={t("account.totp")}>
      <Card className="space-y-3 p-4">
        <Badge tone={person.twoFactor ? "accent" : "amber"} icon={person.twoFactor ? "check" : "unlock"}>
          {person.twoFactor ? t("account.totpOn") : t("account.totpOff")}
        </Badge>
        <p className="text-sm text-ink-2">
          {person.twoFactor ? t("account.totpOnHint") : t("account.totpOffHint")}
        </p>
        <div className="flex flex-wrap gap-2">
          {person.twoFactor ? (
            <>
              <Button onClick={() => setOpen("renew")}>{t("account.renewCodes")}</Button>
              <Button onClick={() => setOpen("disable")}>{t("account.totpDisable")}</Button>
            </>
          ) : (
            <Button look="primary" icon="phone" onClick={() => setOpen("enrol")}>
              {t("account.totpEnrol")}
            </Button>
          )}
        </div>
      </Card>
      {open === "enrol" && <EnrolDialog onClose={close} />}
      {open === "disable" && <DisableDialog onClose={close} />}
      {open === "renew" && <RenewDialog onClose={close} />}
    </Section>
  );
}

function EnrolDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const enrol = useMutation({ mutationFn: () => call("enrolTotp", { body: { password } }) });
  const confirm = useMutation({
    mutationFn: () => call("confirmTotp", { body: { code: code.replaceAll(" ", "") } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["me"] }),
  });
  if (enrol.data === undefined)
    return (
      <Dialog title={t("account.totpEnrol")} onClose={onClose}>
        <PlainForm onSubmit={() => !enrol.isPending && enrol.mutate()} onChange={() => enrol.reset()}>
          <p className="text-sm text-ink-2">{t("account.askPassword")}</p>
          <CurrentPasswordField value={password} onChange={setPassword} />
          {enrol.isError && <ProblemNote error={enrol.error} />}
          <Next disabled={enrol.isPending} />
        </PlainForm>
      </Dialog>
    );
  if (confirm.isSuccess)
    return (
      <Dialog title={t("account.codesTitle")} onClose={onClose}>
        <BackupCodes codes={enrol.data.backupCodes} onClose={onClose} />
      </Dialog>
    );
  return (
    <Dialog title={t("account.scanTitle")} onClose={onClose}>
      <PlainForm onSubmit={() => !confirm.isPending && confirm.mutate()} onChange={() => confirm.reset()}>
        <p className="text-sm text-ink-2">{t("account.scanHint")}</p>
        <QrCode text={enrol.data.totpUri} label={t("account.qr")} />
        <details className="text-sm">
          <summary className="w-fit rounded text-ink-2 hover:text-ink">{t("account.noCamera")}</summary>
          <div className="mt-2">
            <CopyLine text={new URL(enrol.data.totpUri).searchParams.get("secret") ?? enrol.data.totpUri} />
          </div>
        </details>
        <TextField
          label={t("account.appCode")}
          inputMode="numeric"
          autoComplete="one-time-code"
          required
          pattern="[0-9 ]{6,7}"
          maxLength={7}
          value={code}
          onChange={(event) => setCode(event.target.value)}
          className="font-mono text-lg tracking-widest"
        />
        {confirm.isError && <ProblemNote error={confirm.error} />}
        <Next disabled={confirm.isPending} />
      </PlainForm>
    </Dialog>
  );
}

function Next({ disabled }: { disabled: boolean }) {
  const t = useTranslations();
  return (
    <div className="flex justify-end">
      <Button type="submit" look="primary" disabled={disabled}>
        {t("account.next")}
      </Button>
    </div>
  );
}

/** Dark on light in both themes: cameras want it so. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const svg = useQuery({
    queryKey: ["qr", text],
    staleTime: Infinity,
    gcTime: 0,
    queryFn: async () => (await import("uqr")).renderSVG(text, { ecc: "M", border: 3 }),
  });
  return (
    <div className="mx-auto aspect-square w-56 max-w-full overflow-hidden rounded-lg border border-line">
      {svg.data !== undefined && (
        <img src={`data:image/svg+xml,${encodeURIComponent(svg.data)}`} alt={label} className="size-full" />
      )}
    </div>
  );
}

function BackupCodes({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  const t = useTranslations();
  const text = `${codes.join("\n")}\n`;
  return (
    <div className="space-y-4">
      <Note icon="key" tone="amber" title={t("account.codesOnce")}>
        {t("account.codesHint")}
      </Note>
      <ul className="grid grid-cols-2 gap-x-4 gap-y-1 rounded-lg border border-line bg-raised p-3 font-mono text-sm">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <div className="flex flex-wrap items-center justify-end gap-2">
        <CopyButton text={text} />
        <Button
          look="ghost"
          small
          icon="download"
          onClick={() => saveAs(new Blob([text], { type: "text/plain" }), "moov-backup-codes.txt")}
        >
          {t("account.saveFile")}
        </Button>
        <Button look="primary" onClick={onClose}>
          {t("account.codesKept")}
        </Button>
      </div>
    </div>
  );
}

function DisableDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [password, setPassword] = useState("");
  const disable = useMutation({
    mutationFn: () => call("disableTotp", { body: { password } }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["me"] });
      onClose();
    },
  });
  return (
    <Dialog title={t("account.totpDisable")} onClose={onClose}>
      <PlainForm onSubmit={() => !disable.isPending && disable.mutate()} onChange={() => disable.reset()}>
        <p className="text-sm text-ink-2">{t("account.totpDisableAsk")}</p>
        <CurrentPasswordField value={password} onChange={setPassword} />
        {disable.isError && <ProblemNote error={disable.error} />}
        <div className="flex justify-end">
          <Button type="submit" look="danger" disabled={disable.isPending}>
            {t("account.totpDisable")}
          </Button>
        </div>
      </PlainForm>
    </Dialog>
  );
}

function RenewDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations();
  const [password, setPassword] = useState("");
  const renew = useMutation({ mutationFn: () => call("renewBackupCodes", { body: { password } }) });
  return (
    <Dialog title={t("account.codesTitle")} onClose={onClose}>
      {renew.data === undefined ? (
        <PlainForm onSubmit={() => !renew.isPending && renew.mutate()} onChange={() => renew.reset()}>
          <p className="text-sm text-ink-2">{t("account.renewAsk")}</p>
          <CurrentPasswordField value={password} onChange={setPassword} />
          {renew.isError && <ProblemNote error={renew.error} />}
          <Next disabled={renew.isPending} />
        </PlainForm>
      ) : (
        <BackupCodes codes={renew.data.backupCodes} onClose={onClose} />
      )}
    </Dialog>
  );
}
