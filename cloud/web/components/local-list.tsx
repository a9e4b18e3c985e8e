/** The list of tokens that a station keeps itself, as far as its answers have told. */
import { useQuery } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import type { LocalList } from "../../api/control-schemas.ts";
import { MISSING } from "../lib/format.ts";
import { localListQuery } from "../lib/queries.ts";
import { useCode } from "../lib/words.ts";
import { Card, Fact, Skeleton } from "./card.tsx";
import { ProblemNote } from "./problem.tsx";
import { QuickCommand } from "./quick-command.tsx";
import { useStation } from "./station-context.tsx";
import { When } from "./time.tsx";

export function LocalListCard() {
  const t = useTranslations();
  const { stationId } = useStation().station;
  const query = useQuery(localListQuery(stationId));
  if (query.data === undefined)
    return query.isError ? <ProblemNote error={query.error} /> : <Skeleton className="h-32 w-full" />;
  return (
    <Card className="space-y-3 px-4 py-3">
      <Known list={query.data} />
      <QuickCommand
        stationId={stationId}
        command={{ kind: "GetLocalListVersion", params: {} }}
        label={t("localList.ask")}
        icon="question"
      />
    </Card>
  );
}

function Known({ list }: { list: LocalList }) {
  const t = useTranslations();
  const code = useCode();
  const { timeZone } = useStation();
  const { version, entries, checkedAt, updatedAt, lastResult } = list;
  return (
    <>
      <dl className="grid grid-cols-2 gap-x-4 gap-y-2.5 text-sm sm:grid-cols-3">
        <Fact term={t("localList.version")}>{version === null ? MISSING : String(version)}</Fact>
        <Fact term={t("localList.updated")}>
          {updatedAt === null ? MISSING : <When at={updatedAt} timeZone={timeZone} />}
        </Fact>
        <Fact term={t("localList.checked")}>
          {checkedAt === null ? MISSING : <When at={checkedAt} timeZone={timeZone} />}
        </Fact>
        {lastResult !== null && (
          <Fact term={t("localList.result")}>{code("localListResult", lastResult) ?? lastResult}</Fact>
        )}
      </dl>
      {entries === null ? (
        <p className="text-sm text-ink-2">{t("localList.unknown")}</p>
      ) : (
        <details className="text-sm">
          <summary className="w-fit rounded text-ink-2 hover:text-ink">
            {t("localList.entries", { count: entries.length })}
          </summary>
          <ul className="mt-2 max-h-72 divide-y divide-line overflow-y-auto rounded-lg border border-line">
            {entries.map(({ idToken, status, groupId }) => (
              <li key={idToken} className="flex flex-wrap gap-x-3 px-3 py-1.5">
                <span className="font-mono text-[0.8125rem] break-all">{idToken}</span>
                <span className="ml-auto text-ink-2">
                  {[
                    code("tokenStatus", status) ?? status,
                    groupId !== null && t("common.inGroup", { group: groupId }),
                  ]
                    .filter(Boolean)
                    .join(" · ")}
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
