/** A secret that is shown this once; null: it was, in an answer that has not arrived. */
import { useTranslations } from "use-intl";
import { Button } from "./button.tsx";
import { CopyLine } from "./copy.tsx";
import { Icon } from "./icon.tsx";

export function SecretNote({ secret, onClose }: { secret: string | null; onClose: () => void }) {
  const t = useTranslations();
  return (
    <div className="space-y-4">
      <p className="flex gap-2 text-sm">
        <Icon name="alert" className="mt-0.5 size-4 text-amber" />
        {t(secret === null ? "webhooks.secretLost" : "webhooks.secretOnce")}
      </p>
      {secret !== null && (
        <>
          <CopyLine text={secret} />
          <p className="text-[0.8125rem] text-ink-3">{t("webhooks.secretHint")}</p>
        </>
      )}
      <div className="flex justify-end">
        <Button look="primary" onClick={onClose}>
          {t(secret === null ? "common.close" : "webhooks.secretKept")}
        </Button>
      </div>
    </div>
  );
}
