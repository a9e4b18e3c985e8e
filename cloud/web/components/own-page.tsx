/**
 * What the pages of a driver share: their head, the place of a charge, and what is there instead of a page. Words for
 * people who want to charge a car, not for people who run stations.
 */
import { Link } from "@tanstack/react-router";
import type { ComponentProps, ReactNode } from "react";
import { useTranslations } from "use-intl";
import { ApiError } from "../lib/api.ts";
import { useMe } from "../lib/me.ts";
import { useTitle } from "../lib/title.ts";
import { Empty } from "./card.tsx";
import { Icon } from "./icon.tsx";
import { ProblemPage } from "./problem.tsx";

type HeadProps = {
  title: string;
  /** Of the window, where that says more. */
  windowTitle?: string;
  badge?: ReactNode;
  /** Up to where this page is listed. */
  back?: { to: "/my/charges" | "/my/statements"; text: string };
  children?: ReactNode;
};

export function OwnHead({ title, windowTitle = title, badge, back, children }: HeadProps) {
  useTitle(windowTitle);
  return (
    <div className="mb-6">
      {back !== undefined && (
        <Link
          to={back.to}
          className="-ml-1.5 inline-flex h-9 items-center gap-1 rounded-lg px-1.5 text-sm text-ink-2 hover:text-ink
            pointer-coarse:h-11"
        >
          <Icon name="chevron" className="size-3.5 rotate-180" />
          {back.text}
        </Link>
      )}
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h1 className="min-w-0 text-2xl font-semibold tracking-tight break-words">{title}</h1>
        {badge}
      </div>
      {children}
    </div>
  );
}

/** As wide as is read well; on a phone all of it. */
export const OwnPage = ({ children }: { children: ReactNode }) => (
  <div className="mx-auto w-full max-w-2xl">{children}</div>
);

/** Instead of a page that could not be fetched; who is no driver yet is told what to do about it. */
export function OwnProblem(props: ComponentProps<typeof ProblemPage>) {
  const t = useTranslations();
  const me = useMe();
  const { error } = props;
  if (!(error instanceof ApiError) || error.code !== "NO_DRIVER") return <ProblemPage {...props} />;
  const operator = me?.operators.find(({ operatorId }) => operatorId === me.operatorId)?.name ?? "";
  return (
    <OwnPage>
      <Empty title={t("own.noDriver")} heading>
        <p>{t("own.noDriverHint", { email: me?.person?.email ?? me?.keyName ?? "", operator })}</p>
        {me?.person?.emailVerified === false && <p className="mt-2">{t("own.noDriverVerify")}</p>}
      </Empty>
    </OwnPage>
  );
}

type Place = { stationName: string; evseId: number };

/** "CP-1 · conector 2" */
export function usePlaceName(): (place: Place) => string {
  const t = useTranslations();
  return ({ stationName, evseId }) =>
    evseId > 0 ? `${stationName} · ${t("own.connector", { evseId })}` : stationName;
}
