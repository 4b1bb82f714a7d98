import react from "@vitejs/plugin-react";
import {
  convertCssVariables,
  DEFAULT_THEME,
  defaultCssVariablesResolver,
  mergeMantineTheme,
} from "@mantine/core";
import { writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import type { ConnectRouter } from "@connectrpc/connect";
import { runnerImport, type Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { theme } from "./src/app/theme.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * The header the server sends with the page. There is no inline script and no
 * inline style element, so that neither a nonce nor `unsafe-inline` is needed.
 */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/**
 * Writes the theme's CSS variables into the stylesheet while building. Mantine
 * would otherwise put them into a style element at run time, which the
 * Content-Security-Policy forbids.
 */
function themeVariables(): Plugin {
  const id = "virtual:theme-variables.css";
  return {
    name: "theme-variables",
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load(source) {
      if (source !== `\0${id}`) return undefined;
      return convertCssVariables(defaultCssVariablesResolver(mergeMantineTheme(DEFAULT_THEME, theme)), ":root");
    },
  };
}

/** Keeps the placeholder that lets the Go program be built before the client. */
function keepPlaceholder(): Plugin {
  return {
    name: "keep-placeholder",
    apply: "build",
    closeBundle: () => writeFileSync(here("./dist/.gitkeep"), ""),
  };
}

/** Answers the API from memory, in `--mode fake` only; nothing of it is built into the client. */
function fakeServer(): Plugin {
  const middleware = async () => {
    const { connectNodeAdapter } = await import("@connectrpc/connect-node");
    const {
      module: { createFake },
    } = await runnerImport<{ createFake: (options: object) => { routes: (router: ConnectRouter) => void } }>(
      here("./testing/fake.ts"),
    );
    const api = connectNodeAdapter({ routes: createFake({ superuser: true, sites: Number(process.env["FAKE_SITES"] ?? 640) }).routes });
    return (request: IncomingMessage, response: ServerResponse, next: () => void) =>
      request.url?.startsWith("/drumbeat.") ? api(request, response) : next();
  };
  return {
    name: "fake-server",
    async configureServer(server) {
      server.middlewares.use(await middleware());
    },
    async configurePreviewServer(server) {
      server.middlewares.use((_, response, next) => {
        response.setHeader("Content-Security-Policy", contentSecurityPolicy);
        next();
      });
      server.middlewares.use(await middleware());
    },
  };
}

export default defineConfig(({ mode }) => ({
  plugins: [react(), themeVariables(), keepPlaceholder(), ...(mode === "fake" ? [fakeServer()] : [])],
  resolve: { alias: { "@": here("./src") } },
  server: {
    proxy: mode === "fake" ? undefined : { "^/drumbeat\\.": "http://127.0.0.1:8080" },
  },
  build: {
    // Everything is a file of its own: `data:` URLs would need room in the policy.
    assetsInlineLimit: 0,
    emptyOutDir: true,
    reportCompressedSize: true,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "react", test: /node_modules[\\/](react|react-dom|scheduler|@tanstack)[\\/]/ },
            { name: "rpc", test: /node_modules[\\/](@bufbuild|@connectrpc)[\\/]|gen[\\/]ts[\\/]/ },
          ],
        },
      },
    },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["testing/setup.ts"],
    css: false,
  },
}));
