/** What is wrong with a box, each in words, with what to do about it. */
import { useTranslations } from "use-intl";
import { troubleTone, type ErTrouble } from "../lib/er-health.ts";
import { TONE_TEXT } from "./badge.tsx";
import { Icon } from "./icon.tsx";

export function TroubleList({ troubles }: { troubles: readonly ErTrouble[] }) {
  const t = useTranslations();
  if (troubles.length === 0) return null;
  return (
    <ul className="space-y-2 text-sm">
      {troubles.map((trouble) => {
        const tone = troubleTone(trouble);
        return (
          <li
            key={trouble}
            className={`flex gap-2 rounded-lg px-3 py-2 ${tone === "red" ? "bg-red-soft" : "bg-amber-soft"}`}
          >
            <Icon name="alert" className={`mt-0.5 size-4 ${TONE_TEXT[tone]}`} />
            <div className="min-w-0">
              <p className={`font-medium ${TONE_TEXT[tone]}`}>{t(`erTrouble.${trouble}`)}</p>
              <p>{t(`erTroubleHint.${trouble}`)}</p>
            </div>
          </li>
        );
      })}
    </ul>
  );
}
