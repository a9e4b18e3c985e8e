/** A station before it is bolted on: its name, whether it is let in, and then the address to type into it. */
import { useNavigate } from "@tanstack/react-router";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Station } from "../../api/schemas.ts";
import { stationApi } from "../lib/api.ts";
import { AskDialog } from "./ask-dialog.tsx";
import { Choices, TextField } from "./field.tsx";
import { MayButton } from "./may.tsx";

export function PrepareStation({ siteId }: { siteId: string }) {
  const t = useTranslations();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <MayButton needs="stations:write" small icon="plus" onClick={() => setAsking(true)}>
        {t("prepare.open")}
      </MayButton>
      {asking && <PrepareDialog siteId={siteId} onClose={() => setAsking(false)} />}
    </>
  );
}

function PrepareDialog({ siteId, onClose }: { siteId: string; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [identity, setIdentity] = useState("");
  const [registration, setRegistration] = useState<Station["registration"]>("Accepted");
  return (
    <AskDialog
      title={t("prepare.title")}
      action={t("prepare.action")}
      danger={false}
      onAct={async () => {
        const { stationId } = await stationApi.prepare({ siteId, identity: identity.trim(), registration });
        await client.invalidateQueries({ queryKey: ["stations", siteId] });
        await navigate({ to: "/stations/$stationId/settings", params: { stationId } });
      }}
      onClose={onClose}
    >
      <TextField
        label={t("prepare.identity")}
        hint={t("prepare.identityHint")}
        required
        maxLength={64}
        autoComplete="off"
        spellCheck={false}
        className="font-mono"
        value={identity}
        onChange={(event) => setIdentity(event.target.value)}
      />
      <Choices
        legend={t("registration.title")}
        value={registration}
        onChange={setRegistration}
        choices={(["Accepted", "Pending"] as const).map((value) => ({
          value,
          label: t(`registration.${value}`),
          hint: t(`registration.hint.${value}`),
        }))}
      />
    </AskDialog>
  );
}
