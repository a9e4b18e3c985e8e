/** A new driver, or another word on one that is known. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Driver } from "../../api/driver-schemas.ts";
import { newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { driverDraft, driverPatch, newDriver, type DriverDraft } from "../lib/drivers.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { SelectField, TextArea, TextField } from "./field.tsx";
import { ProblemNote } from "./problem.tsx";

/** @param driver the one to change, with the ETag that was read; null for a new one. */
export function DriverForm({
  driver,
  etag,
  onClose,
}: {
  driver: Driver | null;
  etag: string;
  onClose: () => void;
}) {
  const t = useTranslations();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [draft, setDraft] = useState(() => driverDraft(driver));
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const save = useMutation({
    mutationFn: () =>
      driver === null
        ? call("createDriver", { body: newDriver(draft), idempotencyKey })
        : call("updateDriver", {
            path: { driverId: driver.driverId },
            ...{ body: driverPatch(draft, driver), ifMatch: etag, idempotencyKey },
          }),
    onSuccess: async ({ driverId }) => {
      await client.invalidateQueries({ queryKey: ["drivers"] });
      onClose();
      if (driver === null) await navigate({ to: "/drivers/$driverId", params: { driverId } });
    },
  });
  const set = (change: Partial<DriverDraft>) => {
    setDraft({ ...draft, ...change });
    save.reset();
    setIdempotencyKey(newId());
  };
  const text = (name: "name" | "email" | "phone" | "taxId" | "groupId") => ({
    label: t(`drivers.field.${name}`),
    value: draft[name],
    onChange: (event: { target: { value: string } }) => set({ [name]: event.target.value }),
  });
  return (
    <Dialog title={driver === null ? t("drivers.create") : t("drivers.edit")} onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!save.isPending) save.mutate();
        }}
      >
        <TextField {...text("name")} required maxLength={200} />
        <TextField {...text("email")} type="email" maxLength={254} />
        <div className="grid grid-cols-2 items-start gap-3">
          <TextField {...text("phone")} type="tel" maxLength={30} />
          <TextField {...text("taxId")} inputMode="numeric" maxLength={20} />
        </div>
        <div className="grid grid-cols-2 items-start gap-3">
          <TextField {...text("groupId")} maxLength={36} hint={t("drivers.groupHint")} />
          <SelectField
            label={t("drivers.field.language")}
            value={draft.language}
            onChange={(event) => set({ language: event.target.value as DriverDraft["language"] })}
          >
            <option value="pt-BR">Português</option>
            <option value="en">English</option>
            <option value="es">Español</option>
          </SelectField>
        </div>
        <TextArea
          label={t("drivers.field.notes")}
          maxLength={2_000}
          value={draft.notes}
          onChange={(event) => set({ notes: event.target.value })}
        />
        {save.isError && <ProblemNote error={save.error} />}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" look="primary" disabled={save.isPending}>
            {t("drivers.save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
