/**
 * Starts the page: the theme, and one of two programs. Who scans the code of a connector, or of a receipt, gets a small
 * one, since the phone may have a bad connection; everybody else gets the application.
 */
import "./app.css";
import { startTheme } from "./lib/theme.ts";

startTheme();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
if (/^\/([cg]|receipts)(\/|$)/.test(location.pathname)) {
  const { startGuest } = await import("./guest/app.tsx");
  await startGuest(root);
} else {
  const { startApp } = await import("./app.tsx");
  await startApp(root);
}
