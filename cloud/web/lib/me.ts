/**
 * Who asks and what they may, as the cloud says. What is shown or disabled by it is a courtesy: the cloud decides at
 * every request.
 */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import { permissionsOf, ROLES, type Permission, type Role } from "../../core/access.ts";
import type { Me } from "./api.gen.ts";
import { call } from "./client.ts";
import { useCode } from "./words.ts";

export const meQuery = () =>
  queryOptions({
    queryKey: ["me"],
    staleTime: 60_000,
    refetchOnWindowFocus: true,
    queryFn: ({ signal }) => call("getMe", { signal }),
  });

export const useMe = (): Me | undefined => useQuery(meQuery()).data;

/** Until it is known, everything seems allowed: nothing flickers for those who may. */
export function useMay(): (permission: Permission) => boolean {
  const me = useMe();
  return (permission) => me === undefined || me.permissions.includes(permission);
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
