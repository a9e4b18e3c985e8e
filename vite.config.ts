/**
 * Build of the operator's page: `cloud/web` in, `dist/web` out. Nothing else is bundled by vite.
 *
 * `vite` serves the page for development and hands `/v1` on to a cloud on port 8080.
 */
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// oxlint-disable-next-line no-default-export -- vite reads the default export
export default defineConfig({
  root: at("./cloud/web"),
  plugins: [react(), tailwindcss()],
  build: { outDir: at("./dist/web"), emptyOutDir: true, reportCompressedSize: true },
  // The cloud takes writes of people from its own page only: it must hear the address that the browser names.
  server: {
    proxy: { "/v1": { target: process.env.SG_URL ?? "http://localhost:8080", changeOrigin: false } },
  },
});
