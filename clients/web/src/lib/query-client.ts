import { createConnectQueryKey } from "@connectrpc/connect-query";
import { AuthService } from "@drumbeat/api/drumbeat/auth/v1/auth_pb";
import { matchQuery, QueryCache, QueryClient } from "@tanstack/react-query";
import { isWorthRetrying, toProblem } from "./errors";

const SECOND = 1000;

const currentUser = {
  queryKey: createConnectQueryKey({ schema: AuthService.method.getCurrentUser, cardinality: undefined }),
};

/**
 * Makes the cache of server data. What only a person can mend (signed out, not
 * allowed, not found, invalid) is never tried again by itself. When any query
 * finds that the session has ended, the current user is asked for anew, and
 * whoever shows that leads to the sign-in page.
 */
export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError(error, query) {
        if (toProblem(error).kind !== "signed-out" || matchQuery(currentUser, query)) return;
        void client.invalidateQueries(currentUser);
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
  return client;
}
