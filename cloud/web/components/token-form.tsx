/** A new token. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { NewIdToken } from "../../api/rule-schemas.ts";
import { api, newId } from "../lib/api.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { SelectField, TextField } from "./field.tsx";
import { ProblemNote } from "./problem.tsx";

const TYPES = ["ISO14443", "ISO15693", "Central", "eMAID", "KeyCode", "Local", "MacAddress"] as const;

export function TokenForm({ onClose }: { onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [form, setForm] = useState({
    idToken: "",
    label: "",
    type: "ISO14443",
    groupId: "",
    expiresAt: "",
    master: false,
  });
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const create = useMutation({
    mutationFn: (body: NewIdToken) => api.createIdToken(body, idempotencyKey),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["tokens"] });
      onClose();
    },
  });
  const set = (change: Partial<typeof form>) => {
    setForm({ ...form, ...change });
    // A changed form is another request.
    if (create.isError) {
      create.reset();
      setIdempotencyKey(newId());
    }
  };
  const body = (): NewIdToken => ({
    idToken: form.idToken.trim(),
    type: form.type,
    ...(form.label.trim() === "" ? {} : { label: form.label.trim() }),
    ...(form.groupId.trim() === "" ? {} : { groupId: form.groupId.trim() }),
    ...(form.master ? { master: true } : {}),
    // The day is the last one on which it is valid, where the person sits.
    ...(form.expiresAt === "" ? {} : { expiresAt: new Date(`${form.expiresAt}T23:59:59`).toISOString() }),
  });
  return (
    <Dialog title={t("tokens.create")} onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!create.isPending) create.mutate(body());
        }}
      >
        <TextField
          label={t("tokens.idToken")}
          hint={t("tokens.idTokenHint")}
          required
          maxLength={36}
          autoComplete="off"
          spellCheck={false}
          value={form.idToken}
          onChange={(event) => set({ idToken: event.target.value })}
          className="font-mono"
        />
        <TextField
          label={t("tokens.label")}
          hint={t("tokens.labelHint")}
          maxLength={100}
          value={form.label}
          onChange={(event) => set({ label: event.target.value })}
        />
        <div className="grid grid-cols-2 gap-3">
          <SelectField
            label={t("tokens.type")}
            value={form.type}
            onChange={(event) => set({ type: event.target.value })}
          >
            {TYPES.map((type) => (
              <option key={type}>{type}</option>
            ))}
          </SelectField>
          <TextField
            label={t("tokens.expiresAt")}
            type="date"
            value={form.expiresAt}
            onChange={(event) => set({ expiresAt: event.target.value })}
          />
        </div>
        <TextField
          label={t("tokens.group")}
          hint={t("tokens.groupHint")}
          maxLength={36}
          value={form.groupId}
          onChange={(event) => set({ groupId: event.target.value })}
        />
        <label className="flex cursor-pointer items-start gap-2.5">
          <input
            type="checkbox"
            className="mt-1 accent-(--accent)"
            checked={form.master}
            onChange={(event) => set({ master: event.target.checked })}
          />
          <span>
            {t("tokens.master")}{" "}
            <span className="block text-[0.8125rem] text-ink-3">{t("tokens.masterHint")}</span>
          </span>
        </label>
        {create.isError && <ProblemNote error={create.error} />}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" look="primary" disabled={create.isPending}>
            {t("tokens.save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
