import { useQuery } from "@connectrpc/connect-query";
import { AuthService } from "@drumbeat/api/drumbeat/auth/v1/auth_pb";
import { Button } from "@mantine/core";
import { Outlet, useRouter } from "@tanstack/react-router";
import { useEffect, type ReactNode } from "react";
import { EmptyState } from "@/components/ui/empty-state";
import { ProblemNotice } from "@/components/ui/notice";
import { toProblem } from "@/lib/errors";
import { LiveProvider } from "@/lib/live/live";
import { SessionProvider, useSession } from "@/lib/session/session";
import { useSignOut } from "@/lib/session/use-sign-out";
import { PendingPage } from "./error-pages";
import { Shell } from "./shell";

/** Lets through who is signed in, and sends everybody else to sign in and come back. */
export function SignedInLayout() {
  const current = useQuery(AuthService.method.getCurrentUser, {}, { staleTime: 5 * 60_000 });

  if (current.error && toProblem(current.error).kind === "signed-out") {
    return <ToSignIn />;
  }
  const user = current.data?.user;
  if (!user) {
    if (!current.error) return <PendingPage />;
    return (
      <main id="main" className="page page--narrow">
        <ProblemNotice error={current.error} onRetry={() => void current.refetch()} />
      </main>
    );
  }
  if (user.memberships.length === 0) return <NoOrganization />;
  return (
    <SessionProvider user={user}>
      <Live>
        <Shell>
          <Outlet />
        </Shell>
      </Live>
    </SessionProvider>
  );
}

/** Goes to the sign-in page, once: the address changes while that page is still being loaded. */
function ToSignIn() {
  const router = useRouter();
  useEffect(() => {
    const { href, pathname } = router.state.location;
    if (pathname === "/sign-in") return;
    void router.navigate({
      to: "/sign-in",
      search: { return: href === "/sites" ? undefined : href },
      replace: true,
    });
  }, [router]);
  return <PendingPage />;
}

function Live({ children }: { children: ReactNode }) {
  const { organization } = useSession();
  return <LiveProvider organizationId={organization.organizationId}>{children}</LiveProvider>;
}

function NoOrganization() {
  const signOut = useSignOut();
  return (
    <main id="main" className="page page--narrow">
      <EmptyState
        icon="user"
        level={1}
        title="You are in no organisation"
        actions={
          <Button variant="default" onClick={() => signOut.mutate({})} loading={signOut.isPending}>
            Sign out
          </Button>
        }
      >
        <p>Ask an administrator of your organisation to add you.</p>
      </EmptyState>
    </main>
  );
}
