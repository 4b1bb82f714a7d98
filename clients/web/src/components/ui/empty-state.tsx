import type { ReactNode } from "react";
import classes from "./empty-state.module.css";
import { Icon, type IconName } from "./icon";

/** Says why there is nothing here, and what to do about it. */
export function EmptyState({
  icon = "inbox",
  level = 2,
  title,
  children,
  actions,
}: {
  icon?: IconName;
  /** The heading's level: 1 where it is all there is on the page. */
  level?: 1 | 2;
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
}) {
  return (
    <div className={classes.empty}>
      <Icon name={icon} size={32} />
      {level === 1 ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children}
      {actions && <div className={classes.actions}>{actions}</div>}
    </div>
  );
}
