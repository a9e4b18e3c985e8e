/**
 * The page of guests: who scans the code of a connector sees the price, pays, charges, and gets a receipt; who scans
 * that of a receipt sees whether it is genuine.
 */
import { useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import { chooseLocale, locale, LOCALE_NAMES, LOCALES, type Locale } from "../lib/i18n.ts";
import { useValue } from "../lib/value.ts";
import { Mark } from "../components/icon.tsx";
import { show } from "../shown.tsx";
import { Note } from "./note.tsx";
import { Offer } from "./offer.tsx";
import { addressOf, placeOf, receiptAddress, type Place } from "./place.ts";
import { Receipt } from "./receipt.tsx";
import { Session } from "./session.tsx";

const SHORT: Record<Locale, string> = { "pt-BR": "PT", en: "EN", es: "ES" };

const here = (): Place => placeOf(location.pathname, location.hash);

function Page() {
  const t = useTranslations();
  const [place, setPlace] = useState(here);
  useEffect(() => {
    const follow = () => setPlace(here());
    addEventListener("popstate", follow);
    addEventListener("hashchange", follow);
    return () => {
      removeEventListener("popstate", follow);
      removeEventListener("hashchange", follow);
    };
  }, []);
  const go = (address: string) => {
    history.pushState(null, "", address);
    setPlace(here());
    scrollTo(0, 0);
  };
  switch (place.kind) {
    case "connector":
      return <Offer key={place.code} code={place.code} onSession={(id, token) => go(addressOf(id, token))} />;
    case "session":
      return (
        <Session key={place.id} id={place.id} token={place.token} onConnector={(code) => go(`/c/${code}`)} />
      );
    case "receipt":
      return <Receipt key={place.code} code={place.code} onCode={(code) => go(receiptAddress(code))} />;
    case "nowhere":
      return <Note tone="amber" icon="question" title={t("guest.badLink")} text={t("guest.badLinkHint")} />;
  }
}

function Language() {
  const t = useTranslations();
  const current = useValue(locale);
  return (
    <div role="group" aria-label={t("guest.language")} className="flex">
      {LOCALES.map((one) => (
        <button
          key={one}
          type="button"
          lang={one}
          aria-pressed={one === current}
          aria-label={`${SHORT[one]}, ${LOCALE_NAMES[one]}`}
          onClick={() => chooseLocale(one)}
          className="size-11 rounded-lg text-sm text-ink-3 hover:text-ink aria-pressed:font-semibold
            aria-pressed:text-ink aria-pressed:underline aria-pressed:underline-offset-4"
        >
          {SHORT[one]}
        </button>
      ))}
    </div>
  );
}

function App() {
  return (
    <div className="mx-auto flex min-h-dvh w-full max-w-md flex-col px-4 pb-[max(1rem,env(safe-area-inset-bottom))]">
      <header className="flex h-14 items-center gap-2.5">
        <Mark className="size-7" />
        <span className="font-semibold">Moov.olt</span>
        <div className="-mr-2 ml-auto">
          <Language />
        </div>
      </header>
      <main className="flex flex-1 flex-col gap-4">
        <Page />
      </main>
    </div>
  );
}

/** Shows the page. Only with the words of guests: the rest is for people who work here. */
export const startGuest = (root: HTMLElement): Promise<void> => show(root, ["guest"], <App />);
