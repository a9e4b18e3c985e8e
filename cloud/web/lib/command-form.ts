/** What the forms of commands share: the parts of the cloud that they ask, and words for what is wrong. */
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { useTranslations } from "use-intl";
import type { CommandView, NewCommand, Page, Station } from "../../api/schemas.ts";
import { api, ApiError, newId } from "./api.ts";
import { fieldPointer, type FieldProblem } from "./schema-check.ts";
import type { JsonSchema } from "./schema-form.ts";

/** What a cloud can do changes only with its version. */
const forever = { staleTime: Infinity, gcTime: Infinity };

export const commandKindsQuery = () =>
  queryOptions({
    ...forever,
    queryKey: ["command-kinds"],
    queryFn: ({ signal }) => api.commandKinds(signal),
  });

/** Messages that may be sent to a station of this version. */
export const actionsQuery = (protocol: string) =>
  queryOptions({
    ...{ ...forever, queryKey: ["ocpp-actions", protocol], enabled: protocol !== "" },
    queryFn: ({ signal }) => api.ocppActions(protocol, signal),
    // DataTransfer goes both ways.
    select: ({ items }) =>
      items
        .filter(({ action, fromStation }) => !fromStation || action === "DataTransfer")
        .map(({ action }) => action),
  });

export const actionQuery = (protocol: string, action: string) =>
  queryOptions({
    ...{ ...forever, queryKey: ["ocpp-action", protocol, action], enabled: protocol !== "" && action !== "" },
    queryFn: ({ signal }) => api.ocppAction(protocol, action, signal),
    select: ({ request }) => request as JsonSchema,
  });

/**
 * Sends a command. One Idempotency-Key per form: pressing twice, or again after an error, sends one command;
 * `changed` says that the form is another one now.
 */
export function useSendCommand(stationId: string, onSent: (made: CommandView) => void) {
  const client = useQueryClient();
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const send = useMutation({
    mutationFn: (command: NewCommand) => api.sendCommand(stationId, command, idempotencyKey),
    onSuccess: (made) => {
      client.setQueryData<Page<CommandView>>(["commands", stationId], (known) =>
        known === undefined || known.items.some((item) => item.commandId === made.commandId)
          ? known
          : { ...known, items: [made, ...known.items] },
      );
      void client.invalidateQueries({ queryKey: ["commands", stationId] });
      // Another press is another command.
      setIdempotencyKey(newId());
      onSent(made);
    },
  });
  const { isError, reset } = send;
  const changed = useCallback(() => {
    if (!isError) return;
    reset();
    setIdempotencyKey(newId());
  }, [isError, reset]);
  return { send, changed };
}

/**
 * Problems by place, in words: those that the page found and those that the cloud answered. `head`: where in the
 * request the form's value stands; `others`: some of what the cloud said has no field here.
 */
export function useProblems(
  found: readonly FieldProblem[],
  error: unknown,
  { head, asked }: { head: string; asked: boolean },
): { places: Map<string, string[]>; others: boolean } {
  const t = useTranslations();
  return useMemo(() => {
    const places = new Map<string, string[]>();
    const add = (pointer: string, text: string) =>
      places.set(pointer, [...(places.get(pointer) ?? []), text]);
    for (const { pointer, code, limit } of found) {
      // What is still to be filled in is no mistake until somebody wants to send it.
      if (asked || !isUnfilled(code, limit)) add(pointer, t(`fieldProblem.${code}`, { limit: limit ?? 0 }));
    }
    const said = error instanceof ApiError ? error.errors : [];
    let others = error !== null && said.length === 0;
    for (const { pointer, message } of said) {
      const place = fieldPointer(pointer, head);
      if (place === null || place === "") others = true;
      else add(place, message);
    }
    return { places, others };
  }, [found, error, head, asked, t]);
}

const isUnfilled = (code: FieldProblem["code"], limit: number | undefined) =>
  code === "required" || code === "number" || (code === "tooShort" && limit === 1);

/** What may be meant at a place of this name, as far as the page knows. */
export function useSuggestions({ connectors }: Station) {
  const t = useTranslations();
  const tokens = useQuery({
    queryKey: ["tokens", "pick"],
    queryFn: ({ signal }) => api.idTokens({ limit: 200 }, signal),
  });
  return useMemo(() => {
    const evses = [...new Set(connectors.map(({ evseId }) => evseId))].map((evseId) => ({
      value: String(evseId),
      label: t("common.evse", { evse: String(evseId) }),
    }));
    const transactions = connectors.flatMap(({ transactionId, evseId }) =>
      transactionId === null
        ? []
        : [{ value: transactionId, label: t("common.evse", { evse: String(evseId) }) }],
    );
    const known = (tokens.data?.items ?? []).map(({ idToken, label }) => ({
      value: idToken,
      label: label ?? idToken,
    }));
    return (name: string) => {
      if (name === "evseId") return evses;
      if (name === "transactionId") return transactions;
      return name === "idToken" ? known : [];
    };
  }, [connectors, tokens.data, t]);
}
