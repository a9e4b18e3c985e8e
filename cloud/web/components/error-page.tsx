/** Pages for when there is no page, or when it broke. */
import { Link, useRouter } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import { Empty } from "./card.tsx";
import { ProblemPage } from "./problem.tsx";

export function NotFoundPage() {
  const t = useTranslations();
  return (
    <Empty title={t("problem.noPage")} heading>
      <Link to="/" className="text-accent underline">
        {t("problem.toOverview")}
      </Link>
    </Empty>
  );
}

export function ErrorPage({ error }: { error: unknown }) {
  const router = useRouter();
  return <ProblemPage error={error} onRetry={() => void router.invalidate()} />;
}
