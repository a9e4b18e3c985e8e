/** Text to take away: a command, a URL, a frame. */
import { useTranslations } from "use-intl";
import { useCopied } from "../lib/copied.ts";
import { Button } from "./button.tsx";

export function CopyButton({ text }: { text: string }) {
  const t = useTranslations();
  const { copied, copy } = useCopied(text);
  return (
    <Button look="ghost" small icon={copied ? "check" : "copy"} onClick={copy}>
      <span aria-live="polite">{copied ? t("common.copied") : t("common.copy")}</span>
    </Button>
  );
}

/** One line of code with its button. */
export function CopyLine({ text }: { text: string }) {
  return (
    <div className="flex items-center gap-2 rounded-lg border border-line bg-raised py-1 pr-1 pl-3 text-left">
      <code className="min-w-0 flex-1 overflow-x-auto font-mono text-[0.8125rem] whitespace-pre" tabIndex={0}>
        {text}
      </code>
      <CopyButton text={text} />
    </div>
  );
}

/** Several lines of code with their button. */
export function CopyBlock({ text }: { text: string }) {
  return (
    <div className="relative rounded-lg border border-line bg-raised text-left">
      <pre className="overflow-x-auto p-3 font-mono text-[0.8125rem]" tabIndex={0}>
        {text}
      </pre>
      <div className="absolute top-1 right-1">
        <CopyButton text={text} />
      </div>
    </div>
  );
}
