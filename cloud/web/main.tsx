/** Starts the page: the theme, then the application. */
import "./app.css";
import { startTheme } from "./lib/theme.ts";

startTheme();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
const { startApp } = await import("./app.tsx");
await startApp(root);
