/** The fields of an endpoint: where to, and what about. */
import { useQuery } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import { call } from "../lib/client.ts";
import { CheckField, TextField } from "./field.tsx";

export type WebhookDraft = { url: string; description: string; eventTypes: readonly string[] };
type Props = { draft: WebhookDraft; set: (change: Partial<WebhookDraft>) => void };

export function WebhookFields({ draft, set }: Props) {
  const t = useTranslations();
  const types =
    useQuery({
      queryKey: ["webhooks", "types"],
      staleTime: Infinity,
      queryFn: ({ signal }) => call("listWebhookTypes", { signal }),
    }).data?.items ?? [];
  const chosen = draft.eventTypes;
  const toggle = (type: string, on: boolean) =>
    set({ eventTypes: on ? [...chosen, type] : chosen.filter((one) => one !== type) });
  return (
    <>
      <TextField
        label={t("webhooks.url")}
        hint={t("webhooks.urlHint")}
        type="url"
        required
        minLength={8}
        maxLength={1_000}
        spellCheck={false}
        autoComplete="off"
        value={draft.url}
        onChange={(event) => set({ url: event.target.value })}
      />
      <TextField
        label={t("webhooks.description")}
        maxLength={200}
        value={draft.description}
        onChange={(event) => set({ description: event.target.value })}
      />
      <fieldset>
        <legend className="mb-1.5 text-sm font-medium">{t("webhooks.types")}</legend>
        <CheckField
          label={t("webhooks.everyType")}
          checked={chosen.length === 0}
          onChange={(every) => set({ eventTypes: every ? [] : ["transaction.*"] })}
        />
        {chosen.length > 0 && (
          <div
            className="mt-2 max-h-56 space-y-1 overflow-y-auto rounded-lg border border-line px-3 py-2"
            tabIndex={0}
            role="group"
            aria-label={t("webhooks.types")}
          >
            {[...chosen.filter((type) => type.endsWith(".*")), ...types.map(({ type }) => type)].map(
              (type) => (
                <CheckField
                  key={type}
                  label={type}
                  checked={chosen.includes(type)}
                  onChange={(on) => toggle(type, on)}
                />
              ),
            )}
          </div>
        )}
      </fieldset>
    </>
  );
}
