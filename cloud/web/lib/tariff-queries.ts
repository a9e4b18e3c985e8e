/** What the pages of tariffs ask for. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { Tariff, TermsPreview } from "../../api/tariff-schemas.ts";
import { fetchAll } from "./api.ts";
import { call } from "./client.ts";

const PAGE = 200;
const PAGES_MAX = 10;

export const tariffsQuery = () =>
  queryOptions({
    queryKey: ["tariffs"],
    queryFn: ({ signal }) =>
      fetchAll((cursor) => call("listTariffs", { query: { limit: PAGE, cursor }, signal }), PAGES_MAX),
  });

export const tariffQuery = (tariffId: string) =>
  queryOptions({
    queryKey: ["tariffs", "one", tariffId],
    queryFn: ({ signal }) => call("getTariff", { path: { tariffId }, signal }),
  });

export const tariffVersionsQuery = (tariffId: string) =>
  queryOptions({
    queryKey: ["tariffs", "versions", tariffId],
    queryFn: ({ signal }) =>
      call("listTariffVersions", { path: { tariffId }, query: { limit: PAGE }, signal }),
  });

export const assignmentsQuery = () =>
  queryOptions({
    queryKey: ["tariffs", "assignments"],
    queryFn: ({ signal }) =>
      fetchAll(
        (cursor) => call("listTariffAssignments", { query: { limit: PAGE, cursor }, signal }),
        PAGES_MAX,
      ),
  });

export const stationTariffQuery = (stationId: string) =>
  queryOptions({
    queryKey: ["tariffs", "station", stationId],
    queryFn: ({ signal }) => call("getStationTariff", { path: { stationId }, query: {}, signal }),
  });

/** What would this cost? Asked of the cloud, which bills by the same function. */
export const previewQuery = (body: TermsPreview | null) =>
  queryOptions({
    queryKey: ["tariff-preview", body],
    enabled: body !== null,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => call("previewTerms", { body: body as TermsPreview, signal }),
  });

/** Its ETag: the number of the last version. */
export const tariffEtag = ({ version }: Pick<Tariff, "version">) => `"${version}"`;
