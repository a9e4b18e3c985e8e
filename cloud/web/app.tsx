/** The application of people who work here: words, session, live stream, router. */
import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { useTranslations } from "use-intl";
import { ProblemPage } from "./components/problem.tsx";
import { ApiError } from "./lib/api.ts";
import { call } from "./lib/client.ts";
import { withWords } from "./lib/i18n.ts";
import { liveState } from "./lib/live.ts";
import { chooseOperator, session, settleSession } from "./lib/session.ts";
import { useValue } from "./lib/value.ts";
import { outsidePages, SignInPage } from "./outside.ts";
import { show } from "./shown.tsx";

/** The pages themselves: not for who is still at the door. Under way at once where somebody seems to be inside. */
const loadInside = withWords(["inside"], () => import("./inside.tsx"));
const Inside = lazy(async () => ({ default: (await loadInside()).Inside }));

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

/** Whether there is a person: asked once, which also prolongs the session. */
function Asking() {
  const t = useTranslations();
  const asked = useQuery({
    queryKey: ["signed-in"],
    gcTime: 0,
    queryFn: ({ signal }) => call("getSignedIn", { signal }),
  });
  const { data } = asked;
  useEffect(() => {
    if (data === undefined) return;
    const { operatorId } = session.get();
    // The choice of somebody else, or of one who belongs there no more.
    if (operatorId !== null && !data.operators.some((operator) => operator.operatorId === operatorId))
      chooseOperator(null);
    settleSession(data.person !== null);
  }, [data]);
  if (!asked.isError) return <p className="sr-only">{t("common.loading")}</p>;
  return (
    <main className="mx-auto max-w-xl px-4 py-10">
      <ProblemPage error={asked.error} onRetry={() => void asked.refetch()} />
    </main>
  );
}

function Gate() {
  const { state, key, operatorId } = useValue(session);
  useEffect(() => {
    if (state !== "in") return;
    // The next one may belong to another operator.
    return () => client.clear();
  }, [state, key, operatorId]);
  const Outside = outsidePages[location.pathname];
  if (Outside !== undefined)
    return (
      <Suspense>
        <Outside />
      </Suspense>
    );
  switch (state) {
    case "asking":
      return <Asking />;
    case "out":
      return (
        <Suspense>
          <SignInPage />
        </Suspense>
      );
    case "in":
      return (
        <Suspense>
          <Inside />
        </Suspense>
      );
  }
}

/** Shows the application. */
export async function startApp(root: HTMLElement): Promise<void> {
  // Whoever seems to be inside is shown no door.
  if (session.get().state === "in") void loadInside().catch(() => {});
  await show(
    root,
    ["base"],
    <QueryClientProvider client={client}>
      <Gate />
    </QueryClientProvider>,
  );
  setTimeout(() => void loadInside().then(({ fetchAhead }) => fetchAhead()), FETCH_AHEAD_AFTER_MS);
}
