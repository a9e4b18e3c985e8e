/** A new API key: a name, what it may, where, until when. The key itself is shown once. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { permissionsOf } from "../../core/access.ts";
import { newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { grantOf, isComplete, newGrant } from "../lib/grant.ts";
import type { RoleName } from "../lib/people.ts";
import { useCode } from "../lib/words.ts";
import { Button } from "./button.tsx";
import { CopyLine } from "./copy.tsx";
import { Dialog } from "./dialog.tsx";
import { CheckField, TextField } from "./field.tsx";
import { GrantFields } from "./grant-form.tsx";
import { Note } from "./note.tsx";
import { ProblemNote } from "./problem.tsx";

export function KeyDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [draft, setDraft] = useState(() => newGrant("operations"));
  /** null: all that the role may. */
  const [only, setOnly] = useState<string[] | null>(null);
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const create = useMutation({
    mutationFn: () =>
      call("createApiKey", {
        body: { name: name.trim(), permissions: only, ...grantOf(draft) },
        idempotencyKey,
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["keys"] }),
  });
  const changed = () => {
    if (!create.isError) return;
    create.reset();
    setIdempotencyKey(newId());
  };
  if (create.isSuccess)
    return (
      <Dialog title={t("keys.madeTitle", { name: create.data.name })} onClose={onClose}>
        <div className="space-y-4">
          <Note icon="key" tone="amber" title={t("keys.once")}>
            {t("keys.onceHint")}
          </Note>
          {create.data.key !== null && <CopyLine text={create.data.key} />}
          <div className="flex justify-end">
            <Button look="primary" onClick={onClose}>
              {t("keys.kept")}
            </Button>
          </div>
        </div>
      </Dialog>
    );
  const ready = isComplete(draft) && (only === null || only.length > 0);
  return (
    <Dialog title={t("keys.create")} onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!create.isPending && ready) create.mutate();
        }}
      >
        <TextField
          label={t("keys.name")}
          hint={t("keys.nameHint")}
          autoComplete="off"
          required
          maxLength={100}
          value={name}
          onChange={(event) => (setName(event.target.value), changed())}
        />
        <GrantFields
          draft={draft}
          set={(change) => {
            setDraft({ ...draft, ...change });
            // Another role has other permissions.
            if (change.role !== undefined) setOnly(null);
            changed();
          }}
          endHint={t("keys.endsHint")}
        />
        <PermissionField
          role={draft.role}
          siteIds={draft.role === "owner" ? null : draft.siteIds}
          only={only}
          onChange={(next) => (setOnly(next), changed())}
        />
        {create.isError && <ProblemNote error={create.error} />}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" look="primary" disabled={create.isPending || !ready}>
            {t("keys.make")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

type PermissionProps = {
  role: RoleName;
  siteIds: readonly string[] | null;
  only: string[] | null;
  onChange: (only: string[] | null) => void;
};

/** A part of what the role may: the less a key may, the less is lost with it. */
function PermissionField({ role, siteIds, only, onChange }: PermissionProps) {
  const t = useTranslations();
  const code = useCode();
  return (
    <fieldset className="space-y-2">
      <legend className="mb-1.5 text-sm font-medium">{t("keys.may")}</legend>
      <CheckField
        label={t("keys.all")}
        checked={only === null}
        onChange={(all) => onChange(all ? null : [])}
      />
      {only !== null && (
        <div className="max-h-48 space-y-1 overflow-y-auto rounded-lg border border-line px-3 py-2">
          {[...permissionsOf(role, siteIds)].map((permission) => (
            <CheckField
              key={permission}
              label={code("permission", permission.replace(":", "-")) ?? permission}
              checked={only.includes(permission)}
              onChange={(on) =>
                onChange(on ? [...only, permission] : only.filter((other) => other !== permission))
              }
            />
          ))}
          {only.length === 0 && <p className="text-[0.8125rem] text-amber">{t("keys.nothing")}</p>}
        </div>
      )}
    </fieldset>
  );
}
