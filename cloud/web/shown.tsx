/** What both programs begin with: their words, and the document in the language of them. */
import { StrictMode, useEffect, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { IntlProvider } from "use-intl";
import { needWords, words, type Area } from "./lib/i18n.ts";
import { useValue } from "./lib/value.ts";

function Words({ children }: { children: ReactNode }) {
  const { locale, messages } = useValue(words);
  useEffect(() => {
    document.documentElement.lang = locale;
  }, [locale]);
  return (
    <IntlProvider
      locale={locale}
      messages={messages}
      timeZone={Intl.DateTimeFormat().resolvedOptions().timeZone}
    >
      {children}
    </IntlProvider>
  );
}

/** Shows a program in the page, as soon as its words are there. */
export async function show(root: HTMLElement, areas: readonly Area[], program: ReactNode): Promise<void> {
  await needWords(...areas);
  createRoot(root).render(
    <StrictMode>
      <Words>{program}</Words>
    </StrictMode>,
  );
}
