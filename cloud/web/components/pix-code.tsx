/** A Pix to pay: its code to copy, and as a picture for another phone. */
import { useState } from "react";
import { useTranslations } from "use-intl";
import { copyText } from "../lib/copy-text.ts";
import { Button } from "./button.tsx";

export function PixCode({ code, svg }: { code: string; svg: string | null }) {
  const t = useTranslations();
  const [copied, setCopied] = useState(false);
  const copy = () =>
    void copyText(code).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 3_000);
    });
  return (
    <div className="space-y-3">
      <Button look="primary" className="w-full sm:w-auto" icon={copied ? "check" : "copy"} onClick={copy}>
        <span aria-live="polite">{t(copied ? "own.pay.copied" : "own.pay.copyPix")}</span>
      </Button>
      <p className="text-sm text-ink-2">{t("own.pay.pixHint")}</p>
      {svg !== null && (
        <img
          src={`data:image/svg+xml,${encodeURIComponent(svg)}`}
          alt={t("own.pay.pixQr")}
          className="mx-auto aspect-square w-56 max-w-full rounded-lg border border-line bg-white"
        />
      )}
      <p className="rounded-lg bg-raised p-3 font-mono text-xs break-all text-ink-2">{code}</p>
    </div>
  );
}
