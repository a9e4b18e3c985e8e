/**
 * A Pix to pay: its code to copy, and as a picture for another phone; and how long it is good for. Words and button
 * are those of the page that it is on: guests' are larger.
 */
import type { ReactNode } from "react";
import { useCopied } from "../lib/copied.ts";

/** "12:04" */
export const clock = (ms: number): string => {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
};

type Props = {
  code: string;
  svg: string | null;
  hint: string;
  /** What the picture is, for who cannot see it. */
  alt: string;
  button: (copied: boolean, copy: () => void) => ReactNode;
};

export function PixCode({ code, svg, hint, alt, button }: Props) {
  const { copied, copy } = useCopied(code);
  return (
    <div className="space-y-3">
      {button(copied, copy)}
      <p className="text-sm text-ink-2">{hint}</p>
      {svg !== null && (
        <img
          src={`data:image/svg+xml,${encodeURIComponent(svg)}`}
          alt={alt}
          className="mx-auto aspect-square w-56 max-w-full rounded-lg border border-line bg-white"
        />
      )}
      <p className="rounded-lg bg-raised p-3 font-mono text-xs break-all text-ink-2">{code}</p>
    </div>
  );
}
