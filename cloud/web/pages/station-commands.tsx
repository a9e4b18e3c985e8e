/** Commands: what can this station do, and what became of what was asked? Every form is an address. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { useTranslations } from "use-intl";
import type { NewCommand } from "../../api/schemas.ts";
import { CommandForm } from "../components/command-form.tsx";
import { CommandList } from "../components/command-list.tsx";
import { Card, Empty, Section, Skeleton } from "../components/card.tsx";
import { SelectField } from "../components/field.tsx";
import { BackToCommands } from "../components/back-to-commands.tsx";
import { Icon } from "../components/icon.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { useStation } from "../components/station-context.tsx";
import { cloudNow } from "../lib/api.ts";
import { actionQuery, actionsQuery, commandKindsQuery } from "../lib/command-form.ts";
import { useFormat } from "../lib/i18n.ts";
import {
  canDo,
  GROUP_ICON,
  GROUPS,
  intentOf,
  INTENTS,
  protocolName,
  type CommandKind,
  type Intent,
} from "../lib/intents.ts";
import type { Fields } from "../lib/schema-form.ts";
import { useCode } from "../lib/words.ts";

const route = getRouteApi("/stations/$stationId/commands");
const HISTORY = 20;

export function StationCommands() {
  const { station } = useStation();
  const { send, message } = route.useSearch();
  const kinds = useQuery(commandKindsQuery());
  if (kinds.isError && kinds.data === undefined)
    return <ProblemNote error={kinds.error} onRetry={() => void kinds.refetch()} />;
  if (kinds.data === undefined) return <Skeleton className="h-96 w-full rounded-xl" />;
  const byKind = new Map(kinds.data.items.map((kind) => [kind.kind, kind]));
  const intent = intentOf(send);
  const kind = intent && byKind.get(intent.kind);
  if (send === "expert" && station.protocol !== null) {
    const call = byKind.get("Call");
    return <Expert key={message} protocol={station.protocol} message={message ?? ""} kind={call} />;
  }
  if (intent !== undefined && kind !== undefined)
    return <IntentForm key={intent.id} intent={intent} kind={kind} />;
  return <Picker kinds={byKind} />;
}

const useWords = () => {
  const code = useCode();
  return ({ id, kind }: Intent) => ({
    name: code("intent", id) ?? kind,
    hint: code("intentHint", id),
  });
};

/* What can be done */

function Picker({ kinds }: { kinds: ReadonlyMap<string, CommandKind> }) {
  const t = useTranslations();
  const words = useWords();
  const { station, timeZone } = useStation();
  const { stationId, protocol } = station;
  const [find, setFind] = useState("");
  const wanted = find.trim().toLowerCase();
  const shown = INTENTS.filter((intent) => {
    if (!kinds.has(intent.kind)) return false;
    const { name, hint } = words(intent);
    return `${name} ${hint ?? ""} ${intent.kind}`.toLowerCase().includes(wanted);
  });
  const cannot = ({ kind }: Intent) => canDo(kinds.get(kind), protocol) === "no";
  const possible = shown.filter((intent) => !cannot(intent));
  const impossible = shown.filter(cannot);
  return (
    <div className="grid grid-cols-1 gap-8 lg:grid-cols-[minmax(0,1fr)_24rem]">
      <div className="min-w-0">
        <div className="mb-5 flex flex-wrap items-center gap-2">
          <input
            type="search"
            aria-label={t("commands.find")}
            placeholder={t("commands.find")}
            value={find}
            onChange={(event) => setFind(event.target.value)}
            className="h-10 w-64 min-w-0 rounded-lg border border-line-strong bg-surface px-3 max-sm:w-full
              pointer-coarse:h-11"
          />
          <ExpertLink />
        </div>
        <div className="space-y-6">
          {GROUPS.map((group) => {
            const intents = possible.filter((intent) => intent.group === group);
            if (intents.length === 0) return null;
            return (
              <section key={group} aria-label={t(`intentGroup.${group}`)}>
                <h2 className="mb-2 flex items-center gap-2 text-[0.9375rem] font-semibold">
                  <Icon name={GROUP_ICON[group]} className="size-4 text-ink-3" />
                  {t(`intentGroup.${group}`)}
                </h2>
                <Card className="overflow-hidden">
                  <ul className="grid grid-cols-1 sm:grid-cols-2">
                    {intents.map((intent) => (
                      <IntentItem key={intent.id} intent={intent} />
                    ))}
                  </ul>
                </Card>
              </section>
            );
          })}
          <Impossible {...{ intents: impossible, kinds }} open={wanted !== ""} />
          {shown.length === 0 && <Empty title={t("commands.noneFound")}>{t("commands.noneFoundHint")}</Empty>}
        </div>
      </div>
      <Section title={t("commands.history")} className="min-w-0">
        <CommandList {...{ stationId, timeZone }} pageSize={HISTORY} />
      </Section>
    </div>
  );
}

function ExpertLink() {
  const t = useTranslations();
  const { stationId, protocol } = useStation().station;
  if (protocol === null) return null;
  return (
    <Link
      to="/stations/$stationId/commands"
      params={{ stationId }}
      search={{ send: "expert" }}
      className="inline-flex h-10 items-center gap-1.5 rounded-lg px-3 font-medium text-ink-2 hover:bg-raised
        hover:text-ink pointer-coarse:h-11"
    >
      <Icon name="list" />
      {t("commands.expert")}
    </Link>
  );
}

function IntentItem({ intent }: { intent: Intent }) {
  const { stationId } = useStation().station;
  const { name, hint } = useWords()(intent);
  return (
    <li className="-mb-px sm:odd:border-r sm:odd:border-line">
      <Link
        to="/stations/$stationId/commands"
        params={{ stationId }}
        search={{ send: intent.id }}
        className="block h-full min-h-11 border-b border-line px-4 py-2.5 -outline-offset-2 hover:bg-raised"
      >
        <span className="block font-medium">{name}</span>
        {hint !== null && <span className="block text-[0.8125rem] text-ink-2">{hint}</span>}
      </Link>
    </li>
  );
}

type ImpossibleProps = {
  intents: readonly Intent[];
  kinds: ReadonlyMap<string, CommandKind>;
  open: boolean;
};

/** What the station's version does not have, and which one has it. */
function Impossible({ intents, kinds, open }: ImpossibleProps) {
  const t = useTranslations();
  const format = useFormat();
  const words = useWords();
  const { protocol } = useStation().station;
  if (intents.length === 0) return null;
  return (
    <details open={open}>
      <summary className="w-fit rounded text-[0.9375rem] text-ink-2 hover:text-ink">
        {t("commands.impossible", { count: intents.length, protocol: protocolName(protocol ?? "") })}
      </summary>
      <ul className="mt-3 grid grid-cols-1 gap-x-8 gap-y-2 text-sm sm:grid-cols-2">
        {intents.map((intent) => (
          <li key={intent.id} className="min-w-0">
            <span className="block text-ink-2">{words(intent).name}</span>
            <span className="block text-[0.8125rem] text-ink-3">
              {t("commands.needs", {
                protocols: format.list((kinds.get(intent.kind)?.protocols ?? []).map(protocolName)),
              })}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

/* Forms */

function useCancel(): () => void {
  const navigate = useNavigate();
  const { stationId } = useStation().station;
  return () => void navigate({ to: "/stations/$stationId/commands", params: { stationId }, search: {} });
}

function IntentForm({ intent, kind }: { intent: Intent; kind: CommandKind }) {
  const t = useTranslations();
  const format = useFormat();
  const onCancel = useCancel();
  const { station } = useStation();
  const { name, hint } = useWords()(intent);
  const [initial] = useState(() => intent.initial?.({ station, nowMs: cloudNow() }) ?? {});
  const toCommand = useCallback(
    (value: Fields): NewCommand => ({ kind: intent.kind, params: intent.toParams?.(value) ?? value }),
    [intent],
  );
  const cannot = canDo(kind, station.protocol) === "no";
  return (
    <>
      <BackToCommands />
      {cannot ? (
        <Empty title={t("commands.cannot", { station: station.stationId })}>
          {t("commands.needs", { protocols: format.list(kind.protocols.map(protocolName)) })}
        </Empty>
      ) : (
        <CommandForm
          title={t("commands.title", { intent: name, station: station.stationId })}
          hint={hint ?? undefined}
          schema={intent.schema ?? kind.params}
          example={intent.schema === undefined ? kind.example : undefined}
          {...{ initial, toCommand, onCancel }}
          ttlSeconds={kind.ttlSeconds}
          waitsForStation={kind.waitsForStation}
          danger={intent.danger ?? false}
          names={intent.schema === undefined ? "both" : "ours"}
        />
      )}
    </>
  );
}

const NOTHING: Fields = {};

type ExpertProps = { protocol: string; message: string; kind: CommandKind | undefined };

/** Any message of the station's own version, from its official schema. */
function Expert({ protocol, message, kind }: ExpertProps) {
  const t = useTranslations();
  const navigate = useNavigate();
  const onCancel = useCancel();
  const { stationId } = useStation().station;
  const actions = useQuery(actionsQuery(protocol));
  const schema = useQuery(actionQuery(protocol, message));
  const toCommand = useCallback(
    (payload: Fields): NewCommand => ({ kind: "Call", params: { action: message, payload } }),
    [message],
  );
  const error = actions.error ?? schema.error;
  const choose = (
    <div className="max-w-md">
      <SelectField
        label={t("commands.message", { protocol: protocolName(protocol) })}
        value={message}
        onChange={(event) =>
          void navigate({
            to: "/stations/$stationId/commands",
            params: { stationId },
            search: { send: "expert", message: event.target.value || undefined },
            replace: true,
            resetScroll: false,
          })
        }
      >
        <option value="">{t("form.choose")}</option>
        {actions.data?.map((action) => (
          <option key={action}>{action}</option>
        ))}
      </SelectField>
    </div>
  );
  return (
    <>
      <BackToCommands />
      {error !== null && <ProblemNote error={error} />}
      {schema.data === undefined ? (
        <Card className="space-y-5 px-4 py-4 sm:px-5">
          <div>
            <h2 className="text-lg font-semibold">{t("commands.expert")}</h2>
            <p className="mt-0.5 max-w-prose text-ink-2">{t("commands.expertHint")}</p>
          </div>
          {choose}
          {schema.isFetching && <Skeleton className="h-60 w-full" />}
        </Card>
      ) : (
        <CommandForm
          title={t("commands.title", { intent: message, station: stationId })}
          hint={t("commands.expertHint")}
          schema={schema.data}
          initial={NOTHING}
          {...{ toCommand, onCancel }}
          ttlSeconds={kind?.ttlSeconds ?? 0}
          waitsForStation={kind?.waitsForStation ?? false}
          danger={false}
          names="standard"
        >
          {choose}
        </CommandForm>
      )}
    </>
  );
}
