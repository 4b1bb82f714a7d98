import { createRouterTransport } from "@connectrpc/connect";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { Providers } from "../src/app/providers";
import { createAppRouter } from "../src/app/router";
import { createQueryClient } from "../src/lib/query-client";
import { createFake, type FakeOptions } from "./fake";

/** The whole application on the API from memory, opened at an address. */
export function renderApp(path: string, options: FakeOptions = {}) {
  const fake = createFake(options);
  const router = createAppRouter(createMemoryHistory({ initialEntries: [path] }));
  const queryClient = createQueryClient();
  const view = render(
    <Providers transport={createRouterTransport(fake.routes)} queryClient={queryClient}>
      <RouterProvider router={router} />
    </Providers>,
  );
  return { ...view, fake, router, user: userEvent.setup() };
}
