/** A new token, or another word on one that is known. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { IdTokenView } from "../../api/rule-schemas.ts";
import { api, newId } from "../lib/api.ts";
import { draftOf, newTokenOf, tokenPatchOf, type TokenDraft } from "../lib/token.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { CheckField, SelectField, TextField } from "./field.tsx";
import { ProblemNote } from "./problem.tsx";
import { SitesField } from "./sites-field.tsx";

const TYPES = ["ISO14443", "ISO15693", "Central", "eMAID", "KeyCode", "Local", "MacAddress"] as const;

type Change = (change: Partial<TokenDraft>) => void;
type PartProps = { draft: TokenDraft; set: Change };

/** @param token the one to change; null for a new one. */
export function TokenForm({ token, onClose }: { token: IdTokenView | null; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [draft, setDraft] = useState(() => draftOf(token));
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const save = useMutation({
    mutationFn: () =>
      token === null
        ? api.createIdToken(newTokenOf(draft), idempotencyKey)
        : api.patchIdToken(token.idToken, tokenPatchOf(draft, token)),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["tokens"] });
      onClose();
    },
  });
  const set: Change = (change) => {
    setDraft({ ...draft, ...change });
    // A changed form is another request.
    if (save.isError) {
      save.reset();
      setIdempotencyKey(newId());
    }
  };
  const title = token === null ? t("tokens.create") : t("tokens.editTitle", { token: token.idToken });
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!save.isPending) save.mutate();
        }}
      >
        <Identity {...{ draft, set }} isNew={token === null} />
        <CheckField
          label={t("tokens.master")}
          hint={t("tokens.masterHint")}
          checked={draft.master}
          onChange={(master) => set({ master })}
        />
        <Scope {...{ draft, set }} />
        <Bounds {...{ draft, set }} />
        {save.isError && <ProblemNote error={save.error} />}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" look="primary" disabled={save.isPending}>
            {token === null ? t("tokens.save") : t("tokens.saveChange")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Identity({ draft, set, isNew }: PartProps & { isNew: boolean }) {
  const t = useTranslations();
  return (
    <>
      {isNew && (
        <TextField
          label={t("tokens.idToken")}
          hint={t("tokens.idTokenHint")}
          required
          maxLength={36}
          autoComplete="off"
          spellCheck={false}
          value={draft.idToken}
          onChange={(event) => set({ idToken: event.target.value })}
          className="font-mono"
        />
      )}
      <TextField
        label={t("tokens.label")}
        hint={t("tokens.labelHint")}
        maxLength={100}
        value={draft.label}
        onChange={(event) => set({ label: event.target.value })}
      />
      <div className={isNew ? "grid grid-cols-2 gap-3" : ""}>
        {isNew && (
          <SelectField
            label={t("tokens.type")}
            value={draft.type}
            onChange={(event) => set({ type: event.target.value })}
          >
            {TYPES.map((type) => (
              <option key={type}>{type}</option>
            ))}
          </SelectField>
        )}
        <TextField
          label={t("tokens.expiresAt")}
          type="date"
          value={draft.expiresOn}
          onChange={(event) => set({ expiresOn: event.target.value })}
        />
      </div>
      <TextField
        label={t("tokens.group")}
        hint={t("tokens.groupHint")}
        maxLength={36}
        value={draft.groupId}
        onChange={(event) => set({ groupId: event.target.value })}
      />
    </>
  );
}

/** Where it may charge. */
function Scope({ draft, set }: PartProps) {
  const t = useTranslations();
  return (
    <SitesField
      legend={t("tokens.where")}
      everywhere={t("tokens.everywhere")}
      nowhere={t("tokens.nowhere")}
      siteIds={draft.siteIds}
      onChange={(siteIds) => set({ siteIds })}
    >
      <TextField
        label={t("tokens.stations")}
        hint={t("tokens.stationsHint")}
        autoComplete="off"
        spellCheck={false}
        value={draft.stations}
        onChange={(event) => set({ stations: event.target.value })}
      />
    </SitesField>
  );
}

/** How far it is trusted while nobody can be asked. */
function Bounds({ draft, set }: PartProps) {
  const t = useTranslations();
  return (
    <>
      <div className="grid grid-cols-2 items-end gap-3">
        <TextField
          type="number"
          inputMode="numeric"
          min={1}
          max={100}
          label={t("tokens.maxConcurrent")}
          placeholder={t("tokens.noBound")}
          value={draft.maxConcurrent}
          onChange={(event) => set({ maxConcurrent: event.target.value })}
        />
        <TextField
          type="number"
          inputMode="decimal"
          min={0.1}
          step={0.1}
          label={t("tokens.maxEnergy")}
          placeholder={t("tokens.noBound")}
          value={draft.maxEnergyKwh}
          onChange={(event) => set({ maxEnergyKwh: event.target.value })}
        />
      </div>
      <CheckField
        label={t("tokens.trusted")}
        hint={t("tokens.trustedHint")}
        checked={draft.trusted}
        onChange={(trusted) => set({ trusted })}
      />
    </>
  );
}
