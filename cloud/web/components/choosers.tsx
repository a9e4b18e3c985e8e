/** Language and theme, side by side: also for who is not signed in. */
import { useTranslations } from "use-intl";
import { chooseLocale, locale, LOCALE_NAMES, LOCALES } from "../lib/i18n.ts";
import { chooseTheme, themeChoice, type ThemeChoice } from "../lib/theme.ts";
import { useValue } from "../lib/value.ts";
import { Segmented } from "./field.tsx";

const THEMES: readonly ThemeChoice[] = ["system", "light", "dark"];

export function Choosers() {
  const t = useTranslations();
  return (
    <div className="space-y-3">
      <Segmented
        legend={t("preferences.language")}
        value={useValue(locale)}
        onChange={chooseLocale}
        choices={LOCALES.map((value) => ({ value, label: LOCALE_NAMES[value] }))}
      />
      <Segmented
        legend={t("preferences.theme")}
        value={useValue(themeChoice)}
        onChange={chooseTheme}
        choices={THEMES.map((value) => ({ value, label: t(`theme.${value}`) }))}
      />
    </div>
  );
}
