import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

const BASE = "/web/";

// The crew's service worker keeps the files of its page: it is told which they are.
function crewFiles(): Plugin {
  return {
    name: "crew-files",
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      const page = chunks.find((chunk) => chunk.facadeModuleId?.endsWith("/crew.html"));
      const worker = chunks.find((chunk) => chunk.name === "crew-worker");
      if (!page || !worker) this.error("The crew's page or its worker is not in the bundle.");
      const files = new Set<string>();
      const add = (name: string) => {
        const chunk = bundle[name];
        if (files.has(name) || chunk?.type !== "chunk") return;
        files.add(name);
        for (const style of chunk.viteMetadata?.importedCss ?? []) files.add(style);
        [...chunk.imports, ...chunk.dynamicImports].forEach(add);
      };
      add(page.fileName);
      const kept = [...[...files].sort().map((name) => BASE + name), "/static/icon.svg"];
      const built = kept.map((name) => /-([\w-]+)\.\w+$/.exec(name)?.[1] ?? "").join("");
      const code = worker.code.replace(/["'`]__FILES__["'`]/, () => JSON.stringify(JSON.stringify(kept)));
      worker.code = code.replace("__BUILT__", built);
    },
  };
}

// Each page is an entry of its own; the server puts what it knows of the caller into the page and serves `assets/`.
export default defineConfig({
  base: BASE,
  plugins: [svelte(), crewFiles()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the content policy lets no page use data: as a script or a font
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    rollupOptions: {
      input: { console: "console.html", crew: "crew.html", "crew-worker": "src/crew/worker/worker.ts" },
      output: {
        entryFileNames: (chunk) => (chunk.name === "crew-worker" ? "crew-worker.js" : "assets/[name]-[hash].js"),
      },
    },
  },
});
