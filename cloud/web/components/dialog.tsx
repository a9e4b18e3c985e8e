/** A question over the page: the browser's own modal dialog keeps the focus inside and closes on Escape. */
import { useEffect, useId, useRef, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import { Button } from "./button.tsx";

type Props = { title: string; onClose: () => void; children: ReactNode };

export function Dialog({ title, onClose, children }: Props) {
  const t = useTranslations();
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (dialog === null || dialog.open) return;
    dialog.showModal();
    // What is asked for, not the button that closes; a mere confirmation keeps the browser's choice.
    dialog.querySelector<HTMLElement>("form :is(input, select)")?.focus();
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onClose={onClose}
      onClick={(event) => event.target === ref.current && ref.current?.close()}
      className="m-auto w-[min(30rem,calc(100vw-1.5rem))] rounded-2xl border border-line bg-surface p-0
        text-ink shadow-card
        max-sm:mb-[max(0.75rem,env(safe-area-inset-bottom))]"
    >
      <div className="p-5">
        <div className="mb-3 flex items-start justify-between gap-3">
          <h2 id={id} className="text-lg font-semibold">
            {title}
          </h2>
          <Button
            look="ghost"
            icon="x"
            small
            className="-mt-1 -mr-2 shrink-0"
            aria-label={t("common.close")}
            onClick={() => ref.current?.close()}
          />
        </div>
        {children}
      </div>
    </dialog>
  );
}
