import { Role } from "@drumbeat/api/drumbeat/policy/v1/policy_pb";
import type { Membership, User } from "@drumbeat/api/drumbeat/auth/v1/auth_pb";
import { createContext, use, useCallback, useMemo, useState, type ReactNode } from "react";

const STORAGE_KEY = "drumbeat-organization";

export type Session = {
  user: User;
  /** The organisation on screen. */
  organization: Membership;
  selectOrganization(organizationId: string): void;
  /**
   * Whether the user has at least this role in an organisation, by default the
   * one on screen. Only hides what would be refused: the server decides.
   */
  may(role: Role, organizationId?: string): boolean;
};

const SessionContext = createContext<Session | undefined>(undefined);

function readStored(): string | undefined {
  try {
    return localStorage.getItem(STORAGE_KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Holds who is signed in. Needs a user with at least one membership. */
export function SessionProvider({ user, children }: { user: User; children: ReactNode }) {
  const [selected, setSelected] = useState(readStored);
  const organization = user.memberships.find((each) => each.organizationId === selected) ?? user.memberships[0];

  const selectOrganization = useCallback((organizationId: string) => {
    setSelected(organizationId);
    try {
      localStorage.setItem(STORAGE_KEY, organizationId);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  }, []);

  const session = useMemo<Session | undefined>(
    () =>
      organization && {
        user,
        organization,
        selectOrganization,
        may(role, organizationId = organization.organizationId) {
          const membership =
            user.memberships.find((each) => each.organizationId === organizationId) ?? organization;
          return user.isSuperuser || membership.role >= role;
        },
      },
    [user, organization, selectOrganization],
  );

  if (!session) throw new Error("SessionProvider needs a user with a membership");
  return <SessionContext value={session}>{children}</SessionContext>;
}

/** Who is signed in, and the organisation on screen. */
export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error("useSession outside of SessionProvider");
  return session;
}

export { Role };
