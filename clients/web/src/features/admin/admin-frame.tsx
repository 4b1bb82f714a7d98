import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { EmptyState } from "@/components/ui/empty-state";
import { useSession } from "@/lib/session/session";
import classes from "./admin.module.css";

/** The frame of the pages for those who run the platform. Only hides what the server would refuse. */
export function AdminFrame({ intro, children }: { intro: ReactNode; children: ReactNode }) {
  const { user } = useSession();
  if (!user.isSuperuser) {
    return (
      <div className="page">
        <div className="card">
          <EmptyState icon="key" level={1} title="For superusers only" actions={<Link to="/sites">Go to the sites</Link>}>
            <p>Feeds and overrides are the same for all organisations, so that only who runs the platform sees them.</p>
          </EmptyState>
        </div>
      </div>
    );
  }
  return (
    <div className="page stack">
      <div>
        <h1>Administration</h1>
        <p className="soft">{intro}</p>
      </div>
      <nav className={classes.tabs} aria-label="Administration">
        <Link to="/admin/feeds" activeOptions={{ includeSearch: false }}>
          Feeds
        </Link>
        <Link to="/admin/overrides" activeOptions={{ includeSearch: false }}>
          Overrides
        </Link>
      </nav>
      {children}
    </div>
  );
}
