/** What things stand on: cards with a heading, facts as term and value, skeletons, empty states. */
import type { ReactNode } from "react";

export function Card({ className = "", children }: { className?: string; children: ReactNode }) {
  return (
    <div className={`rounded-xl border border-line bg-surface shadow-card ${className}`}>{children}</div>
  );
}

type SectionProps = {
  title: string;
  count?: string | undefined;
  aside?: ReactNode;
  className?: string;
  children: ReactNode;
};

/** A named part of a page. */
export function Section({ title, count, aside, className = "", children }: SectionProps) {
  return (
    <section className={className} aria-label={title}>
      <div className="mb-2.5 flex min-h-8 flex-wrap items-center justify-between gap-x-3 gap-y-2">
        <h2 className="text-[0.9375rem] font-semibold">
          {title}
          {count !== undefined && <span className="ml-2 font-normal text-ink-3">{count}</span>}
        </h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** Term and value, in a `<dl>`. */
export function Fact({ term, children }: { term: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-[0.8125rem] text-ink-3">{term}</dt>
      <dd className="break-words">{children}</dd>
    </div>
  );
}

/** Holds the place of what is being fetched, in its size, so that nothing jumps. */
export function Skeleton({ className = "h-5 w-24" }: { className?: string }) {
  return <span className={`block animate-shimmer rounded-md bg-raised ${className}`} aria-hidden="true" />;
}

/** A number set large, with its unit. */
export function BigNumber({
  value,
  unit,
  className = "text-3xl",
}: {
  value: string;
  unit: string;
  className?: string;
}) {
  return (
    <span className="inline-flex items-baseline gap-1.5 whitespace-nowrap">
      <span className={`font-semibold tracking-tight ${className}`}>{value}</span>
      <span className="text-ink-3">{unit}</span>
    </span>
  );
}

/** Nothing here yet, and what to do about it. */
type EmptyProps = { title: string; heading?: boolean; children?: ReactNode };

export function Empty({ title, heading = false, children }: EmptyProps) {
  return (
    <div className="rounded-xl border border-dashed border-line px-5 py-8 text-center">
      {heading ? <h1 className="font-medium">{title}</h1> : <p className="font-medium">{title}</p>}
      {children !== undefined && (
        <div className="mx-auto mt-1.5 max-w-prose text-sm text-ink-2">{children}</div>
      )}
    </div>
  );
}
