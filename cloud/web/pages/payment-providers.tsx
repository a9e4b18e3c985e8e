/**
 * Providers: how can guests pay here? Settings of each, secrets that are only ever written, the address of
 * its webhooks.
 */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { PaymentProviderPut, PaymentProviderView } from "../../api/payment-schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Button } from "../components/button.tsx";
import { Card, Section, Skeleton } from "../components/card.tsx";
import { CopyLine } from "../components/copy.tsx";
import { Dialog } from "../components/dialog.tsx";
import { CheckField, SelectField, TextField } from "../components/field.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { PaymentTabs } from "../components/payment-tabs.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { When } from "../components/time.tsx";
import { newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { readMinor, useMoney } from "../lib/money.ts";
import { PROVIDER_KINDS, SECRETS, type ProviderKind } from "../lib/payments.ts";

export function PaymentProvidersPage() {
  const t = useTranslations();
  const query = useQuery({
    queryKey: ["payments", "providers"],
    queryFn: ({ signal }) => call("listPaymentProviders", { signal }),
  });
  const items = query.data?.items ?? [];
  const enabled = items.filter((provider) => provider.enabled).length;
  return (
    <>
      <PageHead title={t("payments.title")}>
        <p className="mt-1 max-w-prose text-ink-2">
          {query.isSuccess ? t("payments.providersAnswer", { count: enabled }) : t("payments.intro")}
        </p>
      </PageHead>
      <PaymentTabs />
      {query.isError && <ProblemNote error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Skeleton className="h-64 w-full rounded-xl" />}
      {query.isSuccess && (
        <div className="space-y-8">
          {PROVIDER_KINDS.map((kind) => (
            <Provider key={kind} kind={kind} provider={items.find((one) => one.kind === kind)} />
          ))}
        </div>
      )}
    </>
  );
}

type ProviderProps = { kind: ProviderKind; provider: PaymentProviderView | undefined };

function Provider({ kind, provider }: ProviderProps) {
  const t = useTranslations();
  const money = useMoney();
  const [editing, setEditing] = useState(false);
  const on = provider?.enabled === true;
  return (
    <Section
      title={t(`payments.provider.${kind}`)}
      aside={
        <MayButton needs="payments:write" small onClick={() => setEditing(true)}>
          {t(provider === undefined ? "payments.setUp" : "payments.change")}
        </MayButton>
      }
    >
      <Card className="space-y-3 px-4 py-3 sm:px-5">
        <div className="flex flex-wrap items-center gap-3">
          <Badge tone={on ? "accent" : "quiet"} icon={on ? "check" : "circle"}>
            {t(provider === undefined ? "payments.notSetUp" : on ? "payments.on" : "payments.off")}
          </Badge>
          <p className="text-sm text-ink-2">{t(`payments.providerHint.${kind}`)}</p>
        </div>
        {provider !== undefined && (
          <>
            <p className="text-sm">
              {t("payments.bounds", {
                usual: money.amount(provider.settings.defaultAmountMinor, provider.settings.currency),
                least: money.amount(provider.settings.minAmountMinor, provider.settings.currency),
                most: money.amount(provider.settings.maxAmountMinor, provider.settings.currency),
              })}
            </p>
            {SECRETS[kind].length > 0 && (
              <ul className="text-sm text-ink-2">
                {SECRETS[kind].map((name) => (
                  <li key={name}>
                    {t(`payments.secret.${name}`)}:{" "}
                    {provider.secretHints[name] === undefined ? (
                      <span className="text-amber">{t("payments.noSecret")}</span>
                    ) : (
                      <code className="font-mono text-[0.8125rem]">{provider.secretHints[name]}</code>
                    )}
                  </li>
                ))}
              </ul>
            )}
            <div>
              <p className="mb-1 text-sm font-medium">{t("payments.webhookUrl")}</p>
              <CopyLine text={provider.webhookUrl} />
              <p className="mt-1 text-[0.8125rem] text-ink-3">{t("payments.webhookUrlHint")}</p>
            </div>
            {kind !== "sandbox" && <Payouts provider={provider} />}
          </>
        )}
      </Card>
      {editing && <ProviderDialog kind={kind} provider={provider} onClose={() => setEditing(false)} />}
    </Section>
  );
}

/** Whether what goes to the bank comes into the books, and how far they have been read. */
function Payouts({ provider }: { provider: PaymentProviderView }) {
  const t = useTranslations();
  if (!provider.booksPayouts) return <p className="text-sm text-ink-2">{t("payments.payoutsBy")}</p>;
  return (
    <p className="text-sm text-ink-2">
      {provider.payoutsReadAt === null ? (
        t("payments.payoutsNever")
      ) : (
        <>
          {t("payments.payoutsRead")} <When at={provider.payoutsReadAt} />
        </>
      )}
      {provider.payoutsError !== null && (
        <span className="block text-amber">
          {t("payments.payoutsError")} {provider.payoutsError}
        </span>
      )}
    </p>
  );
}

type Draft = {
  enabled: boolean;
  currency: string;
  usual: string;
  least: string;
  most: string;
  payMinutes: string;
  payerEmail: string;
  bookPayouts: boolean;
  flow: "authorize" | "prepay";
  secrets: Record<string, string>;
};

/** What is sent; null: an amount cannot be read. Secrets that are left empty stay as they are. */
function bodyOf(kind: ProviderKind, draft: Draft): PaymentProviderPut | null {
  const [usual, least, most] = [draft.usual, draft.least, draft.most].map((text) =>
    readMinor(text, draft.currency),
  );
  if (usual === undefined || least === undefined || most === undefined) return null;
  const secrets = Object.fromEntries(
    Object.entries(draft.secrets)
      .map(([name, text]) => [name, text.trim()] as const)
      .filter(([, text]) => text !== ""),
  );
  return {
    enabled: draft.enabled,
    settings: {
      currency: draft.currency,
      ...{ defaultAmountMinor: usual, minAmountMinor: least, maxAmountMinor: most },
      payMinutes: Math.round(Number(draft.payMinutes)),
      ...(draft.payerEmail.trim() === "" ? {} : { payerEmail: draft.payerEmail.trim() }),
      ...(kind === "stripe" ? { bookPayouts: draft.bookPayouts } : {}),
      ...(kind === "sandbox" ? { flow: draft.flow } : {}),
    },
    ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
  };
}

function ProviderDialog({ kind, provider, onClose }: ProviderProps & { onClose: () => void }) {
  const t = useTranslations();
  const money = useMoney();
  const client = useQueryClient();
  const [draft, setDraft] = useState<Draft>(() => {
    const settings = provider?.settings;
    const currency = settings?.currency ?? "BRL";
    const text = (minor: number) => money.minorText(minor, currency);
    return {
      ...{ enabled: provider?.enabled ?? true, currency, secrets: {} },
      usual: text(settings?.defaultAmountMinor ?? 5_000),
      least: text(settings?.minAmountMinor ?? 1_000),
      most: text(settings?.maxAmountMinor ?? 30_000),
      payMinutes: String(settings?.payMinutes ?? 40),
      payerEmail: settings?.payerEmail ?? "",
      bookPayouts: settings?.bookPayouts ?? true,
      flow: settings?.flow ?? "authorize",
    };
  });
  const body = bodyOf(kind, draft);
  const save = useMutation({
    mutationFn: () => {
      if (body === null) throw new Error(t("money.valueProblem"));
      return call("putPaymentProvider", { path: { kind }, body, idempotencyKey: newId() });
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["payments"] });
      onClose();
    },
  });
  const set = (change: Partial<Draft>) => {
    setDraft({ ...draft, ...change });
    save.reset();
  };
  return (
    <Dialog title={t(`payments.provider.${kind}`)} onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!save.isPending) save.mutate();
        }}
      >
        {SECRETS[kind].map((name) => (
          <TextField
            key={name}
            label={t(`payments.secret.${name}`)}
            hint={provider?.secretHints[name] === undefined ? undefined : t("payments.secretKept")}
            type="password"
            autoComplete="off"
            minLength={8}
            maxLength={500}
            required={provider?.secretHints[name] === undefined}
            value={draft.secrets[name] ?? ""}
            onChange={(event) => set({ secrets: { ...draft.secrets, [name]: event.target.value } })}
          />
        ))}
        {kind === "sandbox" && (
          <SelectField
            label={t("payments.flow")}
            value={draft.flow}
            onChange={(event) => set({ flow: event.target.value === "prepay" ? "prepay" : "authorize" })}
          >
            <option value="authorize">{t("payments.flows.authorize")}</option>
            <option value="prepay">{t("payments.flows.prepay")}</option>
          </SelectField>
        )}
        <div className="grid grid-cols-2 items-end gap-3">
          <TextField
            label={t("common.currency")}
            maxLength={3}
            pattern="[A-Z]{3}"
            required
            value={draft.currency}
            onChange={(event) => set({ currency: event.target.value.toUpperCase() })}
          />
          {(["usual", "least", "most"] as const).map((name) => (
            <TextField
              key={name}
              label={t(`payments.amount.${name}`)}
              inputMode="decimal"
              required
              value={draft[name]}
              onChange={(event) => set({ [name]: event.target.value })}
            />
          ))}
          <TextField
            label={t("payments.payMinutes")}
            type="number"
            min={30}
            max={1_380}
            required
            value={draft.payMinutes}
            onChange={(event) => set({ payMinutes: event.target.value })}
          />
        </div>
        {kind === "mercado-pago" && (
          <TextField
            label={t("payments.payerEmail")}
            hint={t("payments.payerEmailHint")}
            type="email"
            maxLength={254}
            value={draft.payerEmail}
            onChange={(event) => set({ payerEmail: event.target.value })}
          />
        )}
        {kind === "stripe" && (
          <CheckField
            label={t("payments.bookPayouts")}
            hint={t("payments.bookPayoutsHint")}
            checked={draft.bookPayouts}
            onChange={(bookPayouts) => set({ bookPayouts })}
          />
        )}
        <CheckField
          label={t("payments.enabled")}
          hint={t("payments.enabledHint")}
          checked={draft.enabled}
          onChange={(enabled) => set({ enabled })}
        />
        {save.isError && <ProblemNote error={save.error} />}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" look="primary" disabled={save.isPending}>
            {t("payments.save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
