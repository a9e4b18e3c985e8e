/** Says plainly that no mail goes out, or that mails wait or have failed. Nothing where all is well. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import { mailStateQuery } from "../lib/alarms.ts";
import { useMay } from "../lib/me.ts";
import { Icon } from "./icon.tsx";

export function MailNote() {
  const t = useTranslations();
  const may = useMay();
  const state = useQuery({ ...mailStateQuery(), enabled: may("mails:read") }).data;
  if (state === undefined || (state.configured && state.failed === 0)) return null;
  return (
    <p className="mb-4 flex gap-2 rounded-xl bg-amber-soft px-4 py-2.5 text-sm">
      <Icon name="alert" className="mt-0.5 size-4 text-amber" />
      <span>
        <span className="font-medium text-amber">
          {state.configured
            ? t("alarms.mail.failed", { count: state.failed })
            : t("alarms.mail.notConfigured")}
        </span>{" "}
        {!state.configured && t("alarms.mail.notConfiguredHint")}{" "}
        <Link to="/mails" className="rounded font-medium underline underline-offset-2">
          {t("alarms.mail.see")}
        </Link>
      </span>
    </p>
  );
}
