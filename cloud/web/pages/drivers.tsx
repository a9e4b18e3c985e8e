/** Drivers: who charges here? Found by name, e-mail, CPF or token. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import type { Driver } from "../../api/driver-schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Empty } from "../components/card.tsx";
import { DriverForm } from "../components/driver-form.tsx";
import { FeedList } from "../components/feed-list.tsx";
import { TextField } from "../components/field.tsx";
import { Icon } from "../components/icon.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { call } from "../lib/client.ts";
import { DRIVER_LOOK } from "../lib/drivers.ts";
import { useFeed } from "../lib/feed.ts";

const route = getRouteApi("/drivers");
const PAGE = 50;
/** People write faster than that. */
const PAUSE_MS = 300;

export function DriversPage() {
  const t = useTranslations();
  const { q, wish } = route.useSearch();
  const navigate = useNavigate();
  const [find, setFind] = useState(q ?? "");
  const [creating, setCreating] = useState(false);
  useEffect(() => {
    if (find.trim() === (q ?? "")) return;
    const search = { q: find.trim() || undefined, wish };
    const timer = setTimeout(() => void navigate({ to: "/drivers", search, replace: true }), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [find, q, wish, navigate]);
  const feed = useFeed<Driver>({
    queryKey: ["drivers", "list", q ?? "", wish === true],
    fetchPage: (cursor, signal) =>
      call("listDrivers", { query: { q, erasureRequested: wish, limit: PAGE, cursor }, signal }),
    idOf: ({ driverId }) => driverId,
  });
  return (
    <>
      <PageHead title={t("drivers.title")}>
        <p className="mt-1 max-w-prose text-ink-2">{t("drivers.intro")}</p>
      </PageHead>
      <div className="mb-4 flex flex-wrap items-end gap-3">
        <div className="w-72 max-sm:flex-1">
          <TextField
            label={t("drivers.find")}
            hideLabel
            type="search"
            placeholder={t("drivers.find")}
            maxLength={200}
            value={find}
            onChange={(event) => setFind(event.target.value)}
          />
        </div>
        <MayButton
          needs="drivers:write"
          look="primary"
          icon="plus"
          className="sm:ml-auto"
          onClick={() => setCreating(true)}
        >
          {t("drivers.create")}
        </MayButton>
      </div>
      <Wishes only={wish === true} />
      <FeedList
        feed={feed}
        empty={
          <Empty title={t(q === undefined ? "drivers.none" : "drivers.noneFound")}>
            {t(q === undefined ? "drivers.noneHint" : "drivers.noneFoundHint")}
          </Empty>
        }
        row={(driver) => <Row key={driver.driverId} driver={driver} />}
      />
      {creating && <DriverForm driver={null} etag="" onClose={() => setCreating(false)} />}
    </>
  );
}

/** Those who wish to be erased are told first: the law gives them a date. */
function Wishes({ only }: { only: boolean }) {
  const t = useTranslations();
  const waiting = useQuery({
    queryKey: ["drivers", "wishes"],
    queryFn: ({ signal }) => call("listDrivers", { query: { erasureRequested: true, limit: 1 }, signal }),
  }).data?.items;
  if (!only && (waiting ?? []).length === 0) return null;
  return (
    <p className="mb-4 flex flex-wrap gap-x-3 gap-y-1 rounded-xl bg-amber-soft px-4 py-3">
      <Icon name="alert" className="mt-1 size-4 text-amber" />
      {t(only ? "drivers.wishesOnly" : "drivers.wishesSome")}
      <Link
        to="/drivers"
        search={{ wish: only ? undefined : true }}
        className="rounded font-medium text-amber underline underline-offset-2"
      >
        {t(only ? "drivers.toAll" : "drivers.wishesShow")}
      </Link>
    </p>
  );
}

function Row({ driver }: { driver: Driver }) {
  const t = useTranslations();
  const { driverId, name, email, phone, groupId, status, tokenCount } = driver;
  const details = [email, phone, groupId !== null && t("common.inGroup", { group: groupId })].filter(Boolean);
  return (
    <li className="lazy-row relative flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5 hover:bg-raised">
      <div className="min-w-0 flex-1 basis-56">
        <Link
          to="/drivers/$driverId"
          params={{ driverId }}
          className="font-medium break-words -outline-offset-2 after:absolute after:inset-0"
        >
          {name ?? t("drivers.noName")}
        </Link>
        {details.length > 0 && <p className="truncate text-[0.8125rem] text-ink-3">{details.join(" · ")}</p>}
      </div>
      <span className="text-sm text-ink-2">{t("drivers.tokens", { count: tokenCount })}</span>
      {driver.erasureRequestedAt !== null && (
        <Badge tone="amber" icon="alert">
          {t("drivers.wish")}
        </Badge>
      )}
      <Badge {...DRIVER_LOOK[status]}>{t(`drivers.state.${status}`)}</Badge>
    </li>
  );
}
