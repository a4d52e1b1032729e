// Two pages, the control page and the stage, built into the Python package that serves them.
import { existsSync, renameSync, rmSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

const PAGE = "../src/bodydouble/stage/page";
const [NEW, OLD] = [`${PAGE}-new`, `${PAGE}-old`];

/** Puts what was built in the place of what was there at once, so that a program that serves it never lacks a file. */
const exchanged: Plugin = {
  name: "exchanged",
  writeBundle: {
    sequential: true,
    order: "post",
    handler() {
      rmSync(OLD, { recursive: true, force: true });
      if (existsSync(PAGE)) {
        renameSync(PAGE, OLD);
      }
      renameSync(NEW, PAGE);
      rmSync(OLD, { recursive: true, force: true });
    },
  },
};

export default defineConfig({
  base: "./",
  build: {
    outDir: NEW,
    emptyOutDir: true,
    license: { fileName: "THIRD-PARTY-LICENCES.md" },
    chunkSizeWarningLimit: 1000, // three.js alone has 550 kB, and comes from the same machine
    rollupOptions: { input: ["index.html", "stage.html"], checks: { pluginTimings: false } },
    target: "es2022",
  },
  plugins: [exchanged],
  server: { host: "127.0.0.1" },
});
