// Two pages, the control page and the stage, built into the Python package that serves them.
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  build: {
    outDir: "../src/bodydouble/stage/page",
    emptyOutDir: true,
    license: { fileName: "THIRD-PARTY-LICENCES.md" },
    chunkSizeWarningLimit: 1000, // three.js alone has 550 kB, and comes from the same machine
    rollupOptions: { input: ["index.html", "stage.html"], checks: { pluginTimings: false } },
    target: "es2022",
  },
  server: { host: "127.0.0.1" },
});
