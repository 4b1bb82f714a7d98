import type { ModuleStatus } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import type { ReactNode } from "react";
import { describeStatus, type Tone } from "@/lib/words";
import classes from "./badge.module.css";
import { Icon, type IconName } from "./icon";

const ICONS: Partial<Record<Tone, IconName>> = {
  danger: "shield",
  warning: "alert",
  unknown: "question",
};

/** A word in a coloured pill; the colour only repeats what the word says. */
export function Badge({ tone, icon, title, children }: { tone: Tone; icon?: IconName; title?: string; children: ReactNode }) {
  return (
    <span className={`${classes.badge} ${classes[tone] ?? ""}`} title={title}>
      {icon && <Icon name={icon} size={13} />}
      {children}
    </span>
  );
}

/** The verdict on an installed release, in words; `short` where there is little room. */
export function StatusBadge({ status, short = false }: { status: ModuleStatus; short?: boolean }) {
  const word = describeStatus(status);
  return (
    <Badge tone={word.tone} icon={ICONS[word.tone]} title={word.hint}>
      {(short && word.short) || word.label}
    </Badge>
  );
}
