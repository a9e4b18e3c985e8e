/**
 * What the page asks for, by noun. The first word of a key is the noun; live.ts knows these words.
 */
import { keepPreviousData, queryOptions, type QueryClient } from "@tanstack/react-query";
import type { MeterSample } from "../../api/schemas.ts";
import { api, cloudNow, fetchAll, stationApi } from "./api.ts";

const PAGE = 200;
const PAGES_MAX = 10;

export const sitesQuery = () =>
  queryOptions({
    queryKey: ["sites"],
    queryFn: ({ signal }) => fetchAll((cursor) => api.sites({ limit: PAGE, cursor }, signal), PAGES_MAX),
  });

export const siteQuery = (siteId: string) =>
  queryOptions({
    queryKey: ["site", siteId],
    queryFn: ({ signal }) => api.site(siteId, signal),
    enabled: siteId !== "",
  });

/** ERs of one site, or of all of them. */
export const ersQuery = (siteId?: string) =>
  queryOptions({
    queryKey: ["ers", siteId ?? ""],
    queryFn: ({ signal }) =>
      fetchAll((cursor) => api.ers({ siteId, limit: PAGE, cursor }, signal), PAGES_MAX),
  });

/** The key begins like the others': what makes one ER old makes this one old. */
export const erQuery = (erId: string) =>
  queryOptions({ queryKey: ["ers", "one", erId], queryFn: ({ signal }) => api.er(erId, signal) });

/** A day and a half of one word every five minutes, newest first. */
const HEALTH_PAGES = 2;
const HEALTH_EVERY_MS = 5 * 60_000;

export const erHealthQuery = (erId: string) =>
  queryOptions({
    queryKey: ["er-health", erId],
    refetchInterval: HEALTH_EVERY_MS,
    queryFn: ({ signal }) =>
      fetchAll((cursor) => api.erHealth(erId, { limit: PAGE, cursor }, signal), HEALTH_PAGES),
  });

/** The key that signs the policies: it changes only when somebody changes it. */
export const policyKeyQuery = () =>
  queryOptions({
    queryKey: ["policy-key"],
    staleTime: Infinity,
    queryFn: ({ signal }) => api.policyKey(signal),
  });

export const stationsQuery = (siteId: string) =>
  queryOptions({
    queryKey: ["stations", siteId],
    queryFn: ({ signal }) =>
      fetchAll((cursor) => api.stations({ siteId, limit: PAGE, cursor }, signal), PAGES_MAX),
  });

export const stationQuery = (stationId: string) =>
  queryOptions({ queryKey: ["station", stationId], queryFn: ({ signal }) => api.station(stationId, signal) });

export const commandQuery = (commandId: string) =>
  queryOptions({ queryKey: ["command", commandId], queryFn: ({ signal }) => api.command(commandId, signal) });

/* A station besides charging: the second word of each key is the station, as live.ts expects. */

export const configurationQuery = (stationId: string) =>
  queryOptions({
    queryKey: ["configuration", stationId],
    queryFn: ({ signal }) => stationApi.configuration(stationId, signal),
  });

export const reservationsQuery = (stationId: string) =>
  queryOptions({
    queryKey: ["reservations", stationId],
    queryFn: ({ signal }) => stationApi.reservations(stationId, { limit: PAGE }, signal),
  });

export const profilesQuery = (stationId: string) =>
  queryOptions({
    queryKey: ["profiles", stationId, "ours"],
    queryFn: ({ signal }) => stationApi.profiles(stationId, { limit: PAGE }, signal),
  });

export const reportedProfilesQuery = (stationId: string) =>
  queryOptions({
    queryKey: ["profiles", stationId, "reported"],
    queryFn: ({ signal }) => stationApi.reportedProfiles(stationId, signal),
  });

export const localListQuery = (stationId: string) =>
  queryOptions({
    queryKey: ["local-list", stationId],
    queryFn: ({ signal }) => stationApi.localList(stationId, signal),
  });

export const passwordQuery = (stationId: string) =>
  queryOptions({
    queryKey: ["station-password", stationId],
    queryFn: ({ signal }) => stationApi.password(stationId, signal),
  });

export const logsQuery = (stationId: string) =>
  queryOptions({
    queryKey: ["files", "log", stationId],
    queryFn: ({ signal }) => stationApi.files({ kind: "log", stationId, limit: PAGE }, signal),
  });

export const firmwareQuery = () =>
  queryOptions({
    queryKey: ["files", "firmware"],
    queryFn: ({ signal }) => stationApi.files({ kind: "firmware", limit: PAGE }, signal),
  });

export const templatesQuery = () =>
  queryOptions({
    queryKey: ["templates"],
    queryFn: ({ signal }) =>
      fetchAll((cursor) => stationApi.templates({ limit: PAGE, cursor }, signal), PAGES_MAX),
  });

/** Certificates that stations wait for. */
export const certificateRequestsQuery = () =>
  queryOptions({
    queryKey: ["certificate-requests"],
    queryFn: ({ signal }) => stationApi.certificateRequests({ state: "open", limit: PAGE }, signal),
  });

/** Connectors that are out of order, wherever they are. */
export const faultedQuery = () =>
  queryOptions({
    queryKey: ["faulted"],
    queryFn: ({ signal }) => api.connectors({ status: "Faulted", limit: PAGE }, signal),
  });

/** Events tell of decisions; what has become work since is asked for. */
export const REVIEWS_EVERY_MS = 30_000;

/** How much waits for a person; in front of every page. */
export const reviewSummaryQuery = () =>
  queryOptions({
    queryKey: ["review-summary"],
    refetchInterval: REVIEWS_EVERY_MS,
    queryFn: ({ signal }) => api.reviewSummary(signal),
  });

export const reviewQuery = (reviewId: string) =>
  queryOptions({ queryKey: ["review", reviewId], queryFn: ({ signal }) => api.review(reviewId, signal) });

export const metersQuery = (siteId: string) =>
  queryOptions({
    queryKey: ["meters", siteId],
    queryFn: ({ signal }) =>
      fetchAll((cursor) => api.meters({ siteId, limit: PAGE, cursor }, signal), PAGES_MAX),
  });

export const meterQuery = (meterId: string) =>
  queryOptions({ queryKey: ["meter", meterId], queryFn: ({ signal }) => api.meter(meterId, signal) });

export const transactionQuery = (transactionId: string) =>
  queryOptions({
    queryKey: ["transaction", transactionId],
    queryFn: ({ signal }) => api.transaction(transactionId, signal),
  });

export const activeTransactionsQuery = (siteId: string) =>
  queryOptions({
    queryKey: ["transactions", "active", siteId],
    queryFn: ({ signal }) => api.transactions({ siteId, status: "active", limit: PAGE }, signal),
  });

/** Samples older than the window go, new ones are added; an instant stays there once. Pure. */
export function slideWindow(
  known: readonly MeterSample[],
  fresh: readonly MeterSample[],
  fromMs: number,
): MeterSample[] {
  const lastAt = known.at(-1)?.at ?? "";
  const added = fresh.filter((sample) => sample.at > lastAt);
  return [...known, ...added].filter((sample) => Date.parse(sample.at) >= fromMs);
}

/** The last `minutes` of a meter. After the first time only what is new is fetched. */
export const meterSamplesQuery = (client: QueryClient, meterId: string, minutes: number) => {
  const queryKey = ["meter-samples", meterId, minutes] as const;
  return queryOptions({
    queryKey,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<MeterSample[]> => {
      const fromMs = cloudNow() - minutes * 60_000;
      const known = client.getQueryData<MeterSample[]>(queryKey) ?? [];
      const from = known.at(-1)?.at ?? new Date(fromMs).toISOString();
      const read = (cursor: string | undefined) =>
        api.meterSamples(meterId, { from, limit: SAMPLES_PAGE, cursor }, signal);
      const { items } = await fetchAll(read, SAMPLES_PAGES_MAX);
      return slideWindow(known, items, fromMs);
    },
  });
};

/** A day of one sample a second is 86 400: more pages than that would only draw over the same pixels. */
const SAMPLES_PAGE = 10_000;
const SAMPLES_PAGES_MAX = 9;
