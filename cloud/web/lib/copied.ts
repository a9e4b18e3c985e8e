/** Copying a text, and for a moment that it was copied. */
import { useState } from "react";
import { copyText } from "./copy-text.ts";

const SHOWN_MS = 3_000;

export function useCopied(text: string): { copied: boolean; copy: () => void } {
  const [copied, setCopied] = useState(false);
  const copy = () =>
    void copyText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), SHOWN_MS);
    });
  return { copied, copy };
}
