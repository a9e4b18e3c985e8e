/**
 * For whom which tariff holds, in the order in which it is looked for; and giving one to somebody, or taking
 * it away.
 */
import { useMutation, useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Tariff, TariffAssignment, TariffTarget } from "../../api/tariff-schemas.ts";
import { newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { sitesQuery } from "../lib/queries.ts";
import { AskDialog } from "./ask-dialog.tsx";
import { Button } from "./button.tsx";
import { Card, Section, Skeleton } from "./card.tsx";
import { Dialog } from "./dialog.tsx";
import { Choices, SelectField, TextField } from "./field.tsx";
import { MayButton } from "./may.tsx";
import { ProblemNote } from "./problem.tsx";
import { When } from "./time.tsx";

const BASES = ["group", "station", "site", "operator"] as const;
type Basis = (typeof BASES)[number];
type Known = Pick<Tariff, "tariffId" | "name">;

type Props = {
  query: UseQueryResult<{ items: TariffAssignment[]; complete: boolean }>;
  tariffs: readonly Known[];
  /** Only those of this tariff. */
  only?: string;
};

export function TariffAssignments({ query, tariffs, only }: Props) {
  const t = useTranslations();
  const [assigning, setAssigning] = useState(false);
  const items = (query.data?.items ?? []).filter(({ tariffId }) => only === undefined || tariffId === only);
  return (
    <Section
      title={t("tariffs.assignments")}
      aside={
        <MayButton needs="tariffs:write" small icon="plus" onClick={() => setAssigning(true)}>
          {t("tariffs.assign")}
        </MayButton>
      }
    >
      <p className="mb-3 max-w-prose text-sm text-ink-2">{t("tariffs.precedence")}</p>
      {query.isError && query.data === undefined && (
        <ProblemNote error={query.error} onRetry={() => void query.refetch()} />
      )}
      {query.isPending && <Skeleton className="h-40 w-full rounded-xl" />}
      {query.data !== undefined && (
        <Card>
          <ol className="divide-y divide-line">
            {BASES.map((basis, at) => (
              <li key={basis} className="px-4 py-2.5 sm:flex sm:gap-6">
                <p className="flex gap-2 text-sm sm:w-56 sm:shrink-0 sm:py-1.5">
                  <span className="text-ink-3">{at + 1}.</span>
                  <span className="font-medium">{t(`tariffs.basis.${basis}`)}</span>
                </p>
                <Assigned
                  items={items.filter((item) => item.basis === basis)}
                  showTariff={only === undefined}
                />
              </li>
            ))}
          </ol>
        </Card>
      )}
      {assigning && <AssignDialog tariffs={tariffs} tariffId={only} onClose={() => setAssigning(false)} />}
    </Section>
  );
}

function Assigned({ items, showTariff }: { items: readonly TariffAssignment[]; showTariff: boolean }) {
  const t = useTranslations();
  if (items.length === 0) return <p className="text-sm text-ink-3 sm:py-1.5">{t("tariffs.nobody")}</p>;
  return (
    <ul className="min-w-0 flex-1 space-y-1">
      {items.map((item) => (
        <Assignment key={item.assignmentId} item={item} showTariff={showTariff} />
      ))}
    </ul>
  );
}

/** What an assignment holds for, as a person calls it. */
function useTargetName() {
  const t = useTranslations();
  const sites = useQuery(sitesQuery());
  return ({ basis, siteId, stationId, groupId }: TariffAssignment): string => {
    switch (basis) {
      case "group":
        return groupId ?? "";
      case "station":
        return stationId ?? "";
      case "site":
        return sites.data?.items.find((site) => site.siteId === siteId)?.name ?? siteId ?? "";
      case "operator":
        return t("tariffs.everybody");
    }
  };
}

function Assignment({ item, showTariff }: { item: TariffAssignment; showTariff: boolean }) {
  const t = useTranslations();
  const client = useQueryClient();
  const targetName = useTargetName();
  const [asking, setAsking] = useState(false);
  const name = targetName(item);
  return (
    <li className="flex flex-wrap items-center gap-x-3 text-sm">
      <span className="min-w-0 font-medium break-words">{name}</span>
      {showTariff && (
        <Link
          to="/tariffs/$tariffId"
          params={{ tariffId: item.tariffId }}
          className="rounded text-accent hover:underline"
        >
          {item.tariffName}
        </Link>
      )}
      <span className="text-[0.8125rem] text-ink-3">
        {t("tariffs.since")} <When at={item.assignedFrom} ago={false} />
      </span>
      <MayButton
        needs="tariffs:write"
        small
        look="ghost"
        className="ml-auto"
        aria-label={t("tariffs.unassignName", { name })}
        onClick={() => setAsking(true)}
      >
        {t("tariffs.unassign")}
      </MayButton>
      {asking && (
        <AskDialog
          title={t("tariffs.unassignTitle")}
          action={t("tariffs.unassign")}
          onClose={() => setAsking(false)}
          onAct={async () => {
            await call("unassignTariff", { path: { assignmentId: item.assignmentId } });
            await client.invalidateQueries({ queryKey: ["tariffs"] });
          }}
        >
          <p>{t("tariffs.unassignAsk", { tariff: item.tariffName, name })}</p>
        </AskDialog>
      )}
    </li>
  );
}

const targetOf = (basis: Basis, value: string): TariffTarget => {
  switch (basis) {
    case "group":
      return { groupId: value };
    case "station":
      return { stationId: value };
    case "site":
      return { siteId: value };
    case "operator":
      return {};
  }
};

type DialogProps = { tariffs: readonly Known[]; tariffId: string | undefined; onClose: () => void };

function AssignDialog({ tariffs, tariffId, onClose }: DialogProps) {
  const t = useTranslations();
  const client = useQueryClient();
  const sites = useQuery(sitesQuery());
  const [chosen, setChosen] = useState(tariffId ?? tariffs[0]?.tariffId ?? "");
  const [basis, setBasis] = useState<Basis>("site");
  const [value, setValue] = useState("");
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const siteId = value === "" ? (sites.data?.items[0]?.siteId ?? "") : value;
  const save = useMutation({
    mutationFn: () =>
      call("assignTariff", {
        body: { tariffId: chosen, target: targetOf(basis, basis === "site" ? siteId : value.trim()) },
        idempotencyKey,
      }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["tariffs"] });
      onClose();
    },
  });
  return (
    <Dialog title={t("tariffs.assign")} onClose={onClose}>
      <form
        className="space-y-4"
        onChange={() => {
          save.reset();
          setIdempotencyKey(newId());
        }}
        onSubmit={(event) => {
          event.preventDefault();
          if (!save.isPending) save.mutate();
        }}
      >
        {tariffId === undefined && (
          <SelectField
            label={t("tariffs.tariff")}
            value={chosen}
            onChange={(event) => setChosen(event.target.value)}
          >
            {tariffs.map((tariff) => (
              <option key={tariff.tariffId} value={tariff.tariffId}>
                {tariff.name}
              </option>
            ))}
          </SelectField>
        )}
        <Choices
          legend={t("tariffs.forWhom")}
          value={basis}
          onChange={(next) => {
            setBasis(next);
            setValue("");
          }}
          choices={BASES.toReversed().map((one) => ({ value: one, label: t(`tariffs.basis.${one}`) }))}
        />
        {basis === "site" && (
          <SelectField
            label={t("tariffs.site")}
            value={siteId}
            onChange={(event) => setValue(event.target.value)}
          >
            {sites.data?.items.map((site) => (
              <option key={site.siteId} value={site.siteId}>
                {site.name}
              </option>
            ))}
          </SelectField>
        )}
        {(basis === "station" || basis === "group") && (
          <TextField
            label={t(`tariffs.${basis}`)}
            required
            maxLength={basis === "group" ? 36 : 64}
            autoComplete="off"
            spellCheck={false}
            value={value}
            onChange={(event) => setValue(event.target.value)}
          />
        )}
        <p className="text-sm text-ink-2">{t("tariffs.assignHint")}</p>
        {save.isError && <ProblemNote error={save.error} />}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" look="primary" disabled={save.isPending}>
            {t("tariffs.assign")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
