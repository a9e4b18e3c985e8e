/** Language, theme, who is signed in. Opens over the page by the browser's popover. */
import { useTranslations } from "use-intl";
import { chooseLocale, locale, LOCALES, type Locale } from "../lib/i18n.ts";
import { signOut } from "../lib/session.ts";
import { chooseTheme, themeChoice, type ThemeChoice } from "../lib/theme.ts";
import { useValue } from "../lib/value.ts";
import { Button } from "./button.tsx";
import { Segmented } from "./field.tsx";
import { Icon } from "./icon.tsx";

const NAMES: Record<Locale, string> = { "pt-BR": "Português", en: "English" };
const THEMES: readonly ThemeChoice[] = ["system", "light", "dark"];

/** Language and theme, side by side: also on the sign-in page. */
export function Choosers() {
  const t = useTranslations();
  return (
    <div className="space-y-3">
      <Segmented
        legend={t("preferences.language")}
        value={useValue(locale)}
        onChange={chooseLocale}
        choices={LOCALES.map((value) => ({ value, label: NAMES[value] }))}
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

export function Preferences({ keyName, operatorId }: { keyName: string; operatorId: string }) {
  const t = useTranslations();
  return (
    <>
      <button
        type="button"
        popoverTarget="preferences"
        aria-label={t("preferences.open")}
        className="inline-flex size-10 items-center justify-center rounded-lg text-ink-2 hover:bg-raised
          hover:text-ink pointer-coarse:size-11"
      >
        <Icon name="settings" className="size-5" />
      </button>
      <div
        id="preferences"
        popover="auto"
        className="fixed inset-auto top-14 right-[max(0.75rem,calc((100%-72rem)/2+1.5rem))] m-0 w-72
          rounded-xl border border-line bg-surface p-4 text-ink shadow-card"
      >
        <p className="font-medium">{keyName}</p>
        <p className="mb-4 text-[0.8125rem] text-ink-3">
          {t("preferences.operator", { operator: operatorId })}
        </p>
        <Choosers />
        <Button className="mt-4 w-full" onClick={() => signOut()}>
          {t("preferences.signOut")}
        </Button>
      </div>
    </>
  );
}
