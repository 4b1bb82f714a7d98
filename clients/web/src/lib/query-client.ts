import { QueryCache, QueryClient } from "@tanstack/react-query";
import { isWorthRetrying, toProblem } from "./errors";

const SECOND = 1000;

/**
 * Makes the cache of server data. What only a person can mend (signed out, not
 * allowed, not found, invalid) is never tried again by itself.
 *
 * @param onSignedOut is called when any query finds that the session has ended.
 */
export function createQueryClient(onSignedOut: () => void): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError(error) {
        if (toProblem(error).kind === "signed-out") onSignedOut();
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 30 * SECOND,
        gcTime: 10 * 60 * SECOND,
        retry: (failures, error) => failures < 2 && isWorthRetrying(error),
        retryDelay: (attempt) => Math.min(8 * SECOND, SECOND * 2 ** attempt) * (0.5 + Math.random() / 2),
      },
      mutations: { retry: false },
    },
  });
}
