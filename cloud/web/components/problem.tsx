/** What went wrong, in words, with the cloud's code and the number to tell the support. */
import { useTranslations } from "use-intl";
import { ApiError } from "../lib/api.ts";
import { useCode } from "../lib/words.ts";
import { Button } from "./button.tsx";
import { Icon } from "./icon.tsx";

type Props = { error: unknown; onRetry?: () => void };

/** What is there instead of a page that could not be fetched. */
export function ProblemPage(props: Props) {
  const t = useTranslations();
  return (
    <>
      <h1 className="sr-only">{t("problem.unexpected")}</h1>
      <ProblemNote {...props} />
    </>
  );
}

export function ProblemNote({ error, onRetry }: Props) {
  const t = useTranslations();
  const code = useCode();
  const api = error instanceof ApiError ? error : null;
  const unreachable = api?.code === "unreachable";
  const title = unreachable
    ? t("problem.unreachable")
    : ((api && (code("problemTitle", api.code) ?? code("problemTitle", `s${api.status}`) ?? api.title)) ??
      t("problem.unexpected"));
  const said = error instanceof Error ? error.message : String(error);
  const detail = unreachable
    ? t("problem.unreachableDetail")
    : ((api && code("problemHint", api.code)) ?? said);
  return (
    <div role="alert" className="flex gap-3 rounded-xl bg-red-soft px-4 py-3 text-sm">
      <Icon name={unreachable ? "offline" : "alert"} className="mt-0.5 size-4 text-red" />
      <div className="min-w-0 flex-1">
        <p className="font-medium text-red">{title}</p>
        {detail !== title && <p className="text-ink">{detail}</p>}
        {api?.errors.map(({ pointer, message }) => (
          <p key={pointer + message} className="text-ink">
            <code className="font-mono text-[0.8125rem]">{pointer}</code> {message}
          </p>
        ))}
        {api !== null && !unreachable && (
          <p className="mt-1 font-mono text-xs break-all text-ink-2">
            {api.code}
            {api.instance !== null && ` · ${api.instance}`}
          </p>
        )}
      </div>
      {onRetry !== undefined && (
        <Button small onClick={onRetry}>
          {t("common.retry")}
        </Button>
      )}
    </div>
  );
}
