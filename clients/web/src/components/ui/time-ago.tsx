import { useSyncExternalStore } from "react";
import { formatExact, formatRelative } from "@/lib/format";

const TICK = 20_000;

let now = new Date();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** One clock for all times on the page. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = new Date();
    for (const each of listeners) each();
  }, TICK);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The current time, renewed every 20 seconds. */
export function useNow(): Date {
  return useSyncExternalStore(subscribe, () => now);
}

/** How long ago, kept up to date; the exact time on hover. */
export function TimeAgo({ date }: { date: Date }) {
  const clock = useNow();
  // A report can be newer than the last tick.
  const at = clock > date ? clock : date;
  return (
    <time dateTime={date.toISOString()} title={formatExact(date)}>
      {formatRelative(date, at)}
    </time>
  );
}
