import type { ReactNode } from "react";
import classes from "./empty-state.module.css";
import { Icon, type IconName } from "./icon";

/** Says why there is nothing here, and what to do about it. */
export function EmptyState({
  icon = "inbox",
  title,
  children,
  actions,
}: {
  icon?: IconName;
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
}) {
  return (
    <div className={classes.empty}>
      <Icon name={icon} size={32} />
      <h2>{title}</h2>
      {children}
      {actions && <div className={classes.actions}>{actions}</div>}
    </div>
  );
}
