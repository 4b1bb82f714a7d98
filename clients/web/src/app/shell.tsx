import { Menu, Tooltip, UnstyledButton, useMantineColorScheme, VisuallyHidden } from "@mantine/core";
import { Link, useLocation } from "@tanstack/react-router";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { Icon, type IconName } from "@/components/ui/icon";
import { Logo } from "@/components/ui/logo";
import { useLiveState } from "@/lib/live/live";
import type { LiveState } from "@/lib/live/watch";
import { useSession } from "@/lib/session/session";
import { useSignOut } from "@/lib/session/use-sign-out";
import { describeRole } from "@/lib/words";
import classes from "./shell.module.css";

/** The frame of all pages behind the sign-in. */
export function Shell({ children }: { children: ReactNode }) {
  const main = useRef<HTMLElement>(null);
  const announcement = useRouteFocus(main);
  const { user } = useSession();
  const inAdmin = useLocation({ select: (location) => location.pathname.startsWith("/admin/") });
  return (
    <>
      <a href="#main" className={classes.skip}>
        Skip to the content
      </a>
      <header className={classes.header}>
        <div className={classes.bar}>
          <Link to="/sites" className={classes.brand} aria-label="Drumbeat, all sites">
            <Logo />
            <span className={classes.brandName}>Drumbeat</span>
          </Link>
          <nav className={classes.nav} aria-label="Main">
            <Link to="/sites" activeOptions={{ includeSearch: false }}>
              Sites
            </Link>
            {user.isSuperuser && (
              <Link to="/admin/feeds" data-status={inAdmin ? "active" : undefined} aria-label="Administration">
                <span className={classes.navLong}>Administration</span>
                <span className={classes.navShort}>
                  Admin
                </span>
              </Link>
            )}
          </nav>
          <div className={classes.tools}>
            <LiveIndicator />
            <OrganizationMenu />
            <UserMenu />
          </div>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
      <VisuallyHidden role="status">{announcement}</VisuallyHidden>
    </>
  );
}

/** Moves the focus to the new page and says its title, as a full page load would. */
function useRouteFocus(main: React.RefObject<HTMLElement | null>): string {
  const { pathname } = useLocation();
  const previous = useRef(pathname);
  const [announcement, setAnnouncement] = useState("");
  useEffect(() => {
    if (previous.current === pathname) return undefined;
    previous.current = pathname;
    main.current?.focus({ preventScroll: true });
    // The page names itself once it is drawn.
    const timer = setTimeout(() => setAnnouncement(document.title), 300);
    return () => clearTimeout(timer);
  }, [pathname, main]);
  return announcement;
}

const LIVE: Record<LiveState, { label: string; hint: string }> = {
  connecting: { label: "Connecting", hint: "Connecting to live updates." },
  live: { label: "Live", hint: "Connected: changes appear by themselves." },
  reconnecting: { label: "Reconnecting", hint: "The live connection broke. Reconnecting; what you see may be out of date." },
  polling: { label: "Not live", hint: "No live connection. The page asks for news once a minute while it keeps trying." },
};

function LiveIndicator() {
  const state = useLiveState();
  const { label, hint } = LIVE[state];
  return (
    <Tooltip label={hint} multiline maw={260} events={{ hover: true, focus: true, touch: true }}>
      {/* The hint has to be reachable by keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <span className={classes.live} tabIndex={0} data-testid="live" data-state={state}>
        <span className={classes.dot} data-state={state} />
        <span className={classes.liveLabel} aria-hidden="true">
          {label}
        </span>
        <VisuallyHidden>{hint}</VisuallyHidden>
      </span>
    </Tooltip>
  );
}

function OrganizationMenu() {
  const { user, organization, selectOrganization } = useSession();
  if (user.memberships.length < 2) {
    return <span className={`${classes.menuButton} ${classes.userName}`}><span className={classes.ellipsis}>{organization.organizationName}</span></span>;
  }
  return (
    <Menu width={260}>
      <Menu.Target>
        <UnstyledButton className={classes.menuButton} aria-label={`Organisation: ${organization.organizationName}. Switch`}>
          <span className={classes.ellipsis}>{organization.organizationName}</span>
          <Icon name="chevronDown" size={15} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Organisations</Menu.Label>
        {user.memberships.map((membership) => (
          <Menu.Item
            key={membership.organizationId}
            onClick={() => selectOrganization(membership.organizationId)}
            leftSection={
              <span style={{ visibility: membership === organization ? "visible" : "hidden" }}>
                <Icon name="check" size={15} />
              </span>
            }
            aria-current={membership === organization}
          >
            {membership.organizationName}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

const SCHEMES: { value: "light" | "dark" | "auto"; label: string; icon: IconName }[] = [
  { value: "light", label: "Light", icon: "sun" },
  { value: "dark", label: "Dark", icon: "moon" },
  { value: "auto", label: "As the system", icon: "monitor" },
];

function UserMenu() {
  const { user, organization } = useSession();
  const signOut = useSignOut();
  // Without keepTransitions a style element is made, which the policy forbids.
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  return (
    <Menu width={240} closeOnItemClick>
      <Menu.Target>
        <UnstyledButton className={classes.menuButton} aria-label={`Account of ${user.name}`}>
          <Icon name="user" />
          <span className={`${classes.ellipsis} ${classes.userName}`}>{user.name}</span>
          <Icon name="chevronDown" size={15} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {user.email}
          <br />
          {describeRole(organization.role)}
          {user.isSuperuser && ", superuser"}
        </Menu.Label>
        <Menu.Item component={Link} to="/profile" leftSection={<Icon name="key" size={16} />}>
          Password
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>Colours</Menu.Label>
        {SCHEMES.map((scheme) => (
          <Menu.Item
            key={scheme.value}
            onClick={() => setColorScheme(scheme.value)}
            leftSection={<Icon name={scheme.icon} size={16} />}
            rightSection={colorScheme === scheme.value && <Icon name="check" size={15} />}
            aria-current={colorScheme === scheme.value}
          >
            {scheme.label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => signOut.mutate({})} leftSection={<Icon name="signOut" size={16} />}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
