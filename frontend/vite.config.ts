import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const backend = process.env.GIZ_BACKEND ?? "http://127.0.0.1:8000";
const proxied = ["/api", "/media", "/accounts", "/staff", "/static", "/texts", "/about", "/certificate", "/contact", "/guide", "/privacy"];

export default defineConfig({
  base: "/",
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2022",
    // The Content-Security-Policy allows styles and scripts from files only, so nothing may be inlined as data.
    assetsInlineLimit: 0,
    // One style sheet, there from the first: no part of the page can come without its looks.
    cssCodeSplit: false,
    manifest: true,
    modulePreload: { polyfill: false },
  },
  server: { proxy: Object.fromEntries(proxied.map((path) => [path, { target: backend, changeOrigin: false }])) },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
