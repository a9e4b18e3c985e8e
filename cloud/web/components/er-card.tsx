/** The health of an ER: link, backlog, clock, policy, release. */
import { useTranslations } from "use-intl";
import type { Er } from "../../api/er-schemas.ts";
import { useFormat } from "../lib/i18n.ts";
import { ONLINE_LOOK } from "../lib/state.ts";
import { useCode } from "../lib/words.ts";
import { Badge } from "./badge.tsx";
import { Card, Fact } from "./card.tsx";
import { MISSING } from "../lib/format.ts";
import { Ago, When } from "./time.tsx";

export function ErCard({ er, timeZone }: { er: Er; timeZone: string }) {
  const t = useTranslations();
  const format = useFormat();
  const code = useCode();
  const link = er.online ? "online" : "offline";
  const clock = er.clock === null ? MISSING : (code("clock", er.clock) ?? er.clock);
  return (
    <Card className="px-4 py-3">
      <div className="flex items-center justify-between gap-2">
        <h3 className="truncate font-semibold">{er.erId}</h3>
        <Badge {...ONLINE_LOOK[link]}>{t(`online.${link}`)}</Badge>
      </div>
      {!er.online && (
        <p className="mt-1 text-sm text-amber">
          {er.lastSeenAt === null ? t("er.neverSeen") : t("er.lastSeen")}{" "}
          {er.lastSeenAt !== null && <When at={er.lastSeenAt} timeZone={timeZone} />}
        </p>
      )}
      <dl className="mt-2.5 grid grid-cols-2 gap-x-4 gap-y-2.5 text-sm">
        <Fact term={t("er.backlog")}>
          <span className={er.backlog >= 500 ? "font-medium text-amber" : ""}>
            {t("er.entries", { count: er.backlog })}
          </span>
        </Fact>
        <Fact term={t("er.clock")}>
          <span className={er.clock === "untrusted" ? "font-medium text-amber" : ""}>{clock}</span>
          {er.clockOffsetMs !== null && (
            <span className="whitespace-nowrap text-ink-3"> · {format.count(er.clockOffsetMs)}&nbsp;ms</span>
          )}
        </Fact>
        <Fact term={t("er.policy")}>
          {er.policyVersion === null ? (
            t("er.noPolicy")
          ) : (
            // A policy's version is the time of its last change.
            <Ago at={new Date(er.policyVersion).toISOString()} timeZone={timeZone} />
          )}
        </Fact>
        <Fact term={t("er.release")}>{er.release ?? MISSING}</Fact>
        <Fact term={t("er.started")}>
          {er.startedAt === null ? MISSING : <Ago at={er.startedAt} timeZone={timeZone} />}
        </Fact>
        <Fact term={t("er.parked")}>
          <span className={er.parkedEntries > 0 ? "font-medium text-amber" : ""}>
            {format.count(er.parkedEntries)}
          </span>
        </Fact>
      </dl>
    </Card>
  );
}
