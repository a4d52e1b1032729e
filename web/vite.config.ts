// Two pages, the control page and the stage, built into the Python package that serves them.
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  build: {
    outDir: "../src/bodydouble/stage/page",
    emptyOutDir: true,
    rollupOptions: { input: ["index.html", "stage.html"] },
    target: "es2022",
  },
  server: { host: "127.0.0.1" },
});
