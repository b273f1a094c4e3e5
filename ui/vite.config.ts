// Builds the one page that the window and the server's "/" both show.
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  // The page's CSP allows no inline script, and images from data: only.
  build: { modulePreload: { polyfill: false }, target: "es2022" },
  server: { port: 5173, strictPort: true },
  // theme.test.ts reads the style sheet; unasked, vitest makes an empty one of it.
  test: { css: true },
});
