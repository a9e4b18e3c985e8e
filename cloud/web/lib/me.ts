/**
 * Who asks and what they may, as the cloud says. What is shown or disabled by it is a courtesy: the cloud decides at
 * every request.
 */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useTranslations } from "use-intl";
import { permissionsOf, ROLES, type Permission, type Role } from "../../core/access.ts";
import type { Me } from "./api.gen.ts";
import { call } from "./client.ts";
import { load, save } from "./storage.ts";
import { useCode } from "./words.ts";

export const meQuery = () =>
  queryOptions({
    queryKey: ["me"],
    staleTime: 60_000,
    refetchOnWindowFocus: true,
    queryFn: ({ signal }) => call("getMe", { signal }),
  });

export const useMe = (): Me | undefined => useQuery(meQuery()).data;

/**
 * Whether it was asked who this is, and nobody has said: the cloud is away, or the person belongs to no operator. A
 * question that is asked again has no error while it runs: what has failed once stays unanswered until it is answered.
 */
export function useIsUnanswered(): boolean {
  const { data, errorUpdateCount } = useQuery(meQuery());
  return data === undefined && errorUpdateCount > 0;
}

/** A driver sees what is its own, everybody else what is the operator's. */
const isOwn = (permission: Permission): boolean => permission.startsWith("own:");

const DRIVER = "driver";
/** Whether whoever was signed in last here was a driver; null: nobody was. */
function lastTime(): boolean | null {
  const kept = load("kind");
  return kept === null ? null : kept === DRIVER;
}
export const wasDriver = (): boolean => lastTime() ?? false;

/** Whether whoever is signed in is a driver; null: that is not known yet. */
export function useIsDriver(): boolean | null {
  const me = useMe();
  const isDriver = me === undefined ? null : me.permissions.some((permission) => permission === "own:read");
  useEffect(() => {
    if (isDriver !== null) save("kind", isDriver ? DRIVER : "staff");
  }, [isDriver]);
  return isDriver ?? lastTime();
}

/** Until it is known, everything of one's kind seems allowed: nothing flickers for those who may. */
export function useMay(): (permission: Permission) => boolean {
  const me = useMe();
  return (permission) =>
    me === undefined ? isOwn(permission) === wasDriver() : me.permissions.includes(permission);
}

const isRole = (role: string): role is Role => Object.hasOwn(ROLES, role);

/** Whether the role has a permission and only the scope of named sites takes it away. Pure. */
export const isOutOfScope = (me: Pick<Me, "role" | "siteIds">, permission: Permission): boolean =>
  me.siteIds !== null && isRole(me.role) && permissionsOf(me.role, null).has(permission);

/** Why something is not allowed and whom to ask, in one or two sentences; null: it is allowed. */
export function useRefusal(): (permission: Permission) => string | null {
  const t = useTranslations();
  const may = useMay();
  const me = useMe();
  const code = useCode();
  return (permission) => {
    if (may(permission)) return null;
    const words = code("permission", permission.replace(":", "-")) ?? permission;
    if (me !== undefined && isOutOfScope(me, permission)) return t("forbidden.scope", { permission: words });
    return t("forbidden.reason", { permission: words });
  };
}
