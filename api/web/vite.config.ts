import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// Each page is an entry of its own; the server puts what it knows of the caller into the page and serves `assets/`.
export default defineConfig({
  base: "/web/",
  plugins: [svelte()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the content policy lets no page use data: as a script or a font
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    rollupOptions: { input: ["console.html", "crew.html"] },
  },
});
