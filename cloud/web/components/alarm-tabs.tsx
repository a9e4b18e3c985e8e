/** The parts of alarms. */
import { useTranslations } from "use-intl";
import { PageTabs } from "./page-tabs.tsx";

export function AlarmTabs() {
  const t = useTranslations();
  return (
    <PageTabs
      label={t("alarms.parts")}
      tabs={[
        { to: "/alarms", name: t("alarms.list"), exact: true },
        { to: "/alarms/rules", name: t("alarms.rules") },
      ]}
    />
  );
}
