import type { Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";

/**
 * The one way to the server: Connect with JSON on the page's own origin, the
 * session in an HttpOnly cookie. Methods without side effects go by GET.
 */
export function createTransport(): Transport {
  return createConnectTransport({
    baseUrl: "/",
    useHttpGet: true,
    // Answers differ by session, so that the browser must not keep them.
    fetch: (input, init) => fetch(input, { ...init, cache: "no-store", credentials: "same-origin" }),
  });
}
