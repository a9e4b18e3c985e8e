/** Fetches a file that the cloud makes, and says it where that fails. */
import { useMutation } from "@tanstack/react-query";
import type { ComponentProps } from "react";
import { download, type Query } from "../lib/api.ts";
import { Button } from "./button.tsx";
import { ProblemNote } from "./problem.tsx";

type Props = Omit<ComponentProps<typeof Button>, "onClick"> & {
  /** Below `/v1`. */
  path: string;
  /** Under which it is saved. */
  name: string;
  query?: Query;
};

export function DownloadButton({ path, name, query, ...rest }: Props) {
  const fetching = useMutation({ mutationFn: () => download(path, name, query) });
  return (
    <>
      <Button icon="download" disabled={fetching.isPending} {...rest} onClick={() => fetching.mutate()} />
      {fetching.isError && <ProblemNote error={fetching.error} />}
    </>
  );
}
