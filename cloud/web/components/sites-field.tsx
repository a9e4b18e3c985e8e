/** Which sites something is for: all of them (null), or those that are named. */
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { sitesQuery } from "../lib/queries.ts";
import { CheckField } from "./field.tsx";

type Props = {
  legend: string;
  /** What "all of them" is called. */
  everywhere: string;
  /** What it means that none is named; without it, nothing is said. */
  nowhere?: string;
  siteIds: readonly string[] | null;
  onChange: (siteIds: string[] | null) => void;
  children?: ReactNode;
};

export function SitesField({ legend, everywhere, nowhere, siteIds, onChange, children }: Props) {
  const sites = useQuery(sitesQuery());
  const toggle = (siteId: string, on: boolean) =>
    onChange(on ? [...(siteIds ?? []), siteId] : (siteIds ?? []).filter((id) => id !== siteId));
  return (
    <fieldset className="space-y-2">
      <legend className="mb-1.5 text-sm font-medium">{legend}</legend>
      <CheckField
        label={everywhere}
        checked={siteIds === null}
        onChange={(every) => onChange(every ? null : [])}
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
          {siteIds.length === 0 && nowhere !== undefined && (
            <p className="text-[0.8125rem] text-amber">{nowhere}</p>
          )}
        </div>
      )}
      {children}
    </fieldset>
  );
}
