/** The way back from one command, or the form of one, to all of a station's. */
import { Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import { Icon } from "./icon.tsx";
import { useStation } from "./station-context.tsx";

export function BackToCommands() {
  const t = useTranslations();
  const { stationId } = useStation().station;
  return (
    <Link
      to="/stations/$stationId/commands"
      params={{ stationId }}
      search={{}}
      className="mb-3 inline-flex h-8 items-center gap-1 rounded text-sm text-accent hover:underline
        pointer-coarse:h-11"
    >
      <Icon name="chevron" className="size-3 rotate-180" />
      {t("commands.back")}
    </Link>
  );
}
