/** Everything behind the sign-in: the router with its pages. A part of its own, which nobody outside has to fetch. */
import { RouterProvider } from "@tanstack/react-router";
import { router } from "./router.tsx";

export { fetchAhead } from "./router.tsx";

export function Inside() {
  return <RouterProvider router={router} />;
}
