/** An account of the ledger by its name; it leads to what was booked there. */
import { Link } from "@tanstack/react-router";
import { useAccountName } from "../lib/money-words.ts";

export function AccountLink({ account, className = "" }: { account: string; className?: string }) {
  const name = useAccountName();
  return (
    <Link
      to="/ledger/$account"
      params={{ account }}
      title={account}
      className={`rounded break-words hover:text-ink hover:underline ${className}`}
    >
      {name(account)}
    </Link>
  );
}
