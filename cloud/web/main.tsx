/** Starts the page: theme, words, session, live stream, router. */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { IntlProvider } from "use-intl";
import "./app.css";
import { ApiError } from "./lib/api.ts";
import { loadMessages, locale, type Locale, type Messages } from "./lib/i18n.ts";
import { liveState, startLive } from "./lib/live.ts";
import { session } from "./lib/session.ts";
import { startTheme } from "./lib/theme.ts";
import { useValue } from "./lib/value.ts";
import { SignInPage } from "./pages/sign-in.tsx";
import { fetchAhead, router } from "./router.tsx";

const RETRIES_MAX = 2;
/** By then the first view has what it needs. */
const FETCH_AHEAD_AFTER_MS = 3_000;

/** What the cloud has refused it will refuse again; while it is away, the stream says when it is back. */
function isWorthTrying(failures: number, error: unknown): boolean {
  if (error instanceof ApiError && error.status >= 400 && error.status < 500) return false;
  return failures < RETRIES_MAX && liveState.get() !== "reconnecting";
}

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // Events say when something is old; coming back to the page asks once.
      staleTime: 30_000,
      retry: isWorthTrying,
    },
  },
});

function Gate() {
  const { key } = useValue(session);
  useEffect(() => {
    if (key === null) return;
    const stop = startLive(client, key);
    return () => {
      stop();
      // The next key may belong to another operator.
      client.clear();
    };
  }, [key]);
  return key === null ? <SignInPage /> : <RouterProvider router={router} />;
}

function App({ first }: { first: { locale: Locale; messages: Messages } }) {
  const wanted = useValue(locale);
  const [shown, setShown] = useState(first);
  useEffect(() => {
    if (wanted === shown.locale) return;
    // Without the new words the old ones stay on screen.
    void loadMessages(wanted).then(
      (messages) => setShown({ locale: wanted, messages }),
      () => {},
    );
  }, [wanted, shown.locale]);
  useEffect(() => {
    document.documentElement.lang = shown.locale;
  }, [shown.locale]);
  return (
    <IntlProvider
      locale={shown.locale}
      messages={shown.messages}
      timeZone={Intl.DateTimeFormat().resolvedOptions().timeZone}
    >
      <QueryClientProvider client={client}>
        <Gate />
      </QueryClientProvider>
    </IntlProvider>
  );
}

startTheme();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
const messages = await loadMessages(locale.get());
createRoot(root).render(
  <StrictMode>
    <App first={{ locale: locale.get(), messages }} />
  </StrictMode>,
);
setTimeout(() => void fetchAhead(), FETCH_AHEAD_AFTER_MS);
