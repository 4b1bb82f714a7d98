import type { Transport } from "@connectrpc/connect";
import { TransportProvider } from "@connectrpc/connect-query";
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { QueryClientProvider, type QueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { theme } from "./theme";

const colorSchemes = localStorageColorSchemeManager({ key: "drumbeat-color-scheme" });

/** Everything that pages take from their surroundings; tests pass their own transport. */
export function Providers({
  transport,
  queryClient,
  children,
}: {
  transport: Transport;
  queryClient: QueryClient;
  children: ReactNode;
}) {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={colorSchemes}
      // The stylesheet holds both: style elements made at run time are forbidden.
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <TransportProvider transport={transport}>
        <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>
      </TransportProvider>
    </MantineProvider>
  );
}
