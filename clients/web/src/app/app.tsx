import { RouterProvider } from "@tanstack/react-router";
import { createQueryClient } from "@/lib/query-client";
import { createTransport } from "@/lib/transport";
import { Providers } from "./providers";
import { createAppRouter } from "./router";

const transport = createTransport();
const router = createAppRouter();
const queryClient = createQueryClient();

export function App() {
  return (
    <Providers transport={transport} queryClient={queryClient}>
      <RouterProvider router={router} />
    </Providers>
  );
}
