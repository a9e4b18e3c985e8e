/** The rules by which a site decides when it is alone, in sentences. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Site } from "../../api/schemas.ts";
import { guide } from "../lib/guide.ts";
import { useFormat } from "../lib/i18n.ts";
import { policyKeyQuery } from "../lib/queries.ts";
import { Card, Fact, Section } from "./card.tsx";
import { CopyBlock } from "./copy.tsx";
import { MayButton } from "./may.tsx";
import { SiteRulesForm } from "./site-rules-form.tsx";
import { Ago } from "./time.tsx";

export function SiteRules({ site }: { site: Site }) {
  const t = useTranslations();
  const format = useFormat();
  const [editing, setEditing] = useState(false);
  const { unknownToken, unknownCap, revocation, defaultLimitA, staleAfterS, oldAfterS } = site.rules;
  return (
    <Section
      title={t("rules.title")}
      aside={
        <MayButton needs="sites:write" small onClick={() => setEditing(true)}>
          {t("rules.edit")}
        </MayButton>
      }
    >
      <Card className="px-4 py-3 text-sm">
        <p className="mb-3 text-ink-2">{t("rules.intro")}</p>
        <dl className="space-y-3">
          <Fact term={t("rules.unknownToken")}>
            <span className="font-medium">{t(`rules.unknown.${unknownToken}`)}</span>
            <span className="block text-ink-2">
              {unknownToken === "cap"
                ? t("rules.capBounds", {
                    energy: format.energy(unknownCap.energyWh),
                    duration: format.duration(unknownCap.durationS * 1_000),
                    starts: unknownCap.startsPerDay,
                    site: format.energy(unknownCap.siteEnergyWhPerDay),
                  })
                : t(`rules.unknownHint.${unknownToken}`)}
            </span>
          </Fact>
          <Fact term={t("rules.revocation")}>
            <span className="font-medium">{t(`rules.revoke.${revocation.rule}`)}</span>
            {revocation.rule === "min-energy" && (
              <span className="block text-ink-2">
                {t("rules.revokeEnergy", { energy: format.energy(revocation.energyWh) })}
              </span>
            )}
          </Fact>
          <Fact term={t("rules.ages")}>
            {t("rules.agesText", {
              stale: format.duration(staleAfterS * 1_000),
              old: format.duration(oldAfterS * 1_000),
            })}
          </Fact>
          <Fact term={t("rules.defaultLimit")}>
            {defaultLimitA === null
              ? t("rules.noLimit")
              : t("rules.limitText", { current: format.current(defaultLimitA * 1_000) })}
          </Fact>
          <Fact term={t("rules.changed")}>
            <Ago at={new Date(site.policyVersion).toISOString()} timeZone={site.timeZone} />
          </Fact>
        </dl>
        <PolicyKey />
      </Card>
      {editing && <SiteRulesForm site={site} onClose={() => setEditing(false)} />}
    </Section>
  );
}

/** The key to pin: shown when somebody asks for it, since few ever need it. */
function PolicyKey() {
  const t = useTranslations();
  const [open, setOpen] = useState(false);
  const key = useQuery({ ...policyKeyQuery(), enabled: open });
  return (
    <details
      className="mt-3 border-t border-line pt-2"
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary className="rounded py-1 text-ink-2 hover:text-ink">{t("rules.key")}</summary>
      <p className="mt-1 mb-2 text-ink-2">{t("rules.keyHint")}</p>
      {key.data !== undefined && <CopyBlock text={guide.policyKey(key.data.publicKey)} />}
      {key.isError && <p className="text-amber">{t("rules.noKey")}</p>}
    </details>
  );
}
