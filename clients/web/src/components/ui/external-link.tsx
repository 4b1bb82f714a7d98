import { VisuallyHidden } from "@mantine/core";
import type { ReactNode } from "react";
import { safeHref } from "@/lib/safe-url";
import { Icon } from "./icon";

/**
 * A link to another site, in a new tab and without a referrer. What is not
 * plainly http or https is shown as text.
 */
export function ExternalLink({ href, children, bare = false }: { href: string; children: ReactNode; bare?: boolean }) {
  const safe = safeHref(href);
  if (!safe) return <>{children}</>;
  return (
    <a href={safe} target="_blank" rel="noopener noreferrer">
      {children}
      {!bare && (
        <span style={{ display: "inline-block", verticalAlign: "-0.125em", marginInlineStart: "0.2em" }}>
          <Icon name="external" size={13} />
        </span>
      )}
      <VisuallyHidden> (opens in a new tab)</VisuallyHidden>
    </a>
  );
}
