import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { toProblem } from "@/lib/errors";
import { Icon, type IconName } from "./icon";
import classes from "./notice.module.css";

type NoticeTone = "danger" | "warning" | "good" | "info";

const ICONS: Record<NoticeTone, IconName> = {
  danger: "alert",
  warning: "alert",
  good: "checkCircle",
  info: "question",
};

/** A boxed message in the flow of the page. */
export function Notice({
  tone,
  title,
  children,
  actions,
  role,
}: {
  tone: NoticeTone;
  title?: string;
  children?: ReactNode;
  actions?: ReactNode;
  role?: "alert" | "status";
}) {
  return (
    <div className={`${classes.notice} ${classes[tone]}`} role={role}>
      <Icon name={ICONS[tone]} />
      <div className={classes.body}>
        {title && <div className={classes.title}>{title}</div>}
        {children}
        {actions && <div className={classes.actions}>{actions}</div>}
      </div>
    </div>
  );
}

/** What went wrong with a call, in words, with a way to try again where that can help. */
export function ProblemNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const problem = toProblem(error);
  return (
    <Notice
      tone="danger"
      role="alert"
      title={problem.title}
      actions={
        onRetry && (
          <Button size="xs" variant="default" leftSection={<Icon name="refresh" size={14} />} onClick={onRetry}>
            Try again
          </Button>
        )
      }
    >
      {problem.message}
    </Notice>
  );
}
