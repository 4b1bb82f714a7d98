import { createConnectQueryKey } from "@connectrpc/connect-query";
import { AuthService } from "@drumbeat/api/drumbeat/auth/v1/auth_pb";
import type { QueryClient } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { createQueryClient } from "@/lib/query-client";
import { createTransport } from "@/lib/transport";
import { Providers } from "./providers";
import { createAppRouter } from "./router";

const transport = createTransport();
const router = createAppRouter();
const queryClient: QueryClient = createQueryClient(() => {
  // Asking who is signed in settles it: the layout leads to the sign-in page.
  void queryClient.invalidateQueries({
    queryKey: createConnectQueryKey({ schema: AuthService.method.getCurrentUser, cardinality: undefined }),
  });
});

export function App() {
  return (
    <Providers transport={transport} queryClient={queryClient}>
      <RouterProvider router={router} />
    </Providers>
  );
}
