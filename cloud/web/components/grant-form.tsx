/** Role, sites and end of a membership or a key. Roles say in words what they may; those above one's own are off. */
import { useQuery } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import { mayGrant, permissionsOf, ROLES, type Permission, type Role } from "../../core/access.ts";
import type { GrantDraft } from "../lib/grant.ts";
import { useMe } from "../lib/me.ts";
import { STAFF_ROLES, type RoleName } from "../lib/people.ts";
import { sitesQuery } from "../lib/queries.ts";
import { useCode } from "../lib/words.ts";
import { CheckField, SelectField, TextField } from "./field.tsx";

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
      {!owner && <SiteScopeField siteIds={draft.siteIds} onChange={(siteIds) => set({ siteIds })} />}
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

type ScopeProps = { siteIds: string[] | null; onChange: (siteIds: string[] | null) => void };

function SiteScopeField({ siteIds, onChange }: ScopeProps) {
  const t = useTranslations();
  const sites = useQuery(sitesQuery());
  const toggle = (siteId: string, on: boolean) =>
    onChange(on ? [...(siteIds ?? []), siteId] : (siteIds ?? []).filter((id) => id !== siteId));
  return (
    <fieldset className="space-y-2">
      <legend className="mb-1.5 text-sm font-medium">{t("people.where")}</legend>
      <CheckField
        label={t("people.everywhere")}
        checked={siteIds === null}
        onChange={(everywhere) => onChange(everywhere ? null : [])}
      />
      {siteIds !== null && (
        <div className="max-h-48 space-y-1 overflow-y-auto rounded-lg border border-line px-3 py-2">
          {sites.data?.items.map(({ siteId, name }) => (
            <CheckField
              key={siteId}
              label={name}
              checked={siteIds.includes(siteId)}
              onChange={(on) => toggle(siteId, on)}
            />
          ))}
          {siteIds.length === 0 && <p className="text-[0.8125rem] text-amber">{t("people.nowhere")}</p>}
        </div>
      )}
    </fieldset>
  );
}
