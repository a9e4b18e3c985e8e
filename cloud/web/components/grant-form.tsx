/** Role, sites and end of a membership or a key. Roles say in words what they may; those above one's own are off. */
import { useTranslations } from "use-intl";
import { mayGrant, permissionsOf, ROLES, type Permission, type Role } from "../../core/access.ts";
import type { GrantDraft } from "../lib/grant.ts";
import { useMe } from "../lib/me.ts";
import { STAFF_ROLES, type RoleName } from "../lib/people.ts";
import { useCode } from "../lib/words.ts";
import { SelectField, TextField } from "./field.tsx";
import { SitesField } from "./sites-field.tsx";

type Props = {
  draft: GrantDraft;
  set: (change: Partial<GrantDraft>) => void;
  /** Words for the end: of a membership, of a key. */
  endHint: string;
};

/** The roles that one may give for these sites. */
function useGivable(siteIds: readonly string[] | null): (role: RoleName) => boolean {
  const me = useMe();
  return (role) => {
    if (me === undefined || !Object.hasOwn(ROLES, me.role)) return false;
    const giver = {
      role: me.role as Role,
      siteIds: me.siteIds,
      permissions: new Set(me.permissions as Permission[]),
    };
    return mayGrant(giver, { role, siteIds });
  };
}

export function GrantFields({ draft, set, endHint }: Props) {
  const t = useTranslations();
  const code = useCode();
  const givable = useGivable(draft.siteIds);
  const owner = draft.role === "owner";
  return (
    <>
      <SelectField
        label={t("people.role")}
        hint={code("roleHint", draft.role) ?? undefined}
        value={draft.role}
        onChange={(event) => set({ role: event.target.value as RoleName })}
      >
        {STAFF_ROLES.map((role) => (
          <option key={role} value={role} disabled={!givable(role)}>
            {code("role", role) ?? role}
          </option>
        ))}
      </SelectField>
      <RoleMay role={draft.role} siteIds={draft.siteIds} />
      {!owner && (
        <SitesField
          legend={t("people.where")}
          everywhere={t("people.everywhere")}
          nowhere={t("people.nowhere")}
          siteIds={draft.siteIds}
          onChange={(siteIds) => set({ siteIds })}
        />
      )}
      {!owner && (
        <TextField
          label={t("people.endsOn")}
          hint={endHint}
          type="date"
          value={draft.expiresOn}
          onChange={(event) => set({ expiresOn: event.target.value })}
        />
      )}
    </>
  );
}

/** Everything that a role may, in words. */
export function RoleMay({ role, siteIds }: { role: RoleName; siteIds: readonly string[] | null }) {
  const t = useTranslations();
  const code = useCode();
  const permissions = [...permissionsOf(role, siteIds)];
  return (
    <details className="text-sm">
      <summary className="w-fit rounded text-ink-2 hover:text-ink">
        {t("people.mayCount", { count: permissions.length })}
      </summary>
      <ul className="mt-1.5 grid gap-x-4 gap-y-0.5 text-[0.8125rem] text-ink-2 sm:grid-cols-2">
        {permissions.map((permission) => (
          <li key={permission}>{code("permission", permission.replace(":", "-")) ?? permission}</li>
        ))}
      </ul>
    </details>
  );
}
