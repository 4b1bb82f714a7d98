import { timestampDate, type Timestamp } from "@bufbuild/protobuf/wkt";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const number = new Intl.NumberFormat("en");
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const exact = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
});

/** The instant of a protobuf timestamp; undefined when it is absent. */
export function toDate(timestamp: Timestamp | undefined): Date | undefined {
  return timestamp && timestampDate(timestamp);
}

/**
 * Says how long ago an instant was: "just now", "5 minutes ago", "yesterday".
 * A clock that is a little ahead reads "just now", not "in 20 seconds".
 */
export function formatRelative(date: Date, now: Date): string {
  const elapsed = now.getTime() - date.getTime();
  const distance = Math.abs(elapsed);
  const sign = elapsed >= 0 ? -1 : 1;
  if (distance < MINUTE) return "just now";
  if (distance < HOUR) return relative.format(sign * Math.floor(distance / MINUTE), "minute");
  if (distance < DAY) return relative.format(sign * Math.floor(distance / HOUR), "hour");
  if (distance < 30 * DAY) return relative.format(sign * Math.floor(distance / DAY), "day");
  if (distance < 365 * DAY) return relative.format(sign * Math.floor(distance / (30 * DAY)), "month");
  return relative.format(sign * Math.floor(distance / (365 * DAY)), "year");
}

/** To the second, in the reader's time zone. */
export function formatExact(date: Date): string {
  return exact.format(date);
}

export function formatDay(date: Date): string {
  return day.format(date);
}

export function formatNumber(value: number): string {
  return number.format(value);
}

/** "1 site", "2 sites", "1,200 sites". */
export function formatCount(value: number, one: string, many: string): string {
  return `${formatNumber(value)} ${value === 1 ? one : many}`;
}

/** A version as a site gave it: absent and empty are different, and neither is a blank. */
export function formatVersion(version: string | undefined): string {
  if (version === undefined) return "unknown";
  if (version === "") return "(empty)";
  return version;
}

/** A URL without its scheme and closing slash, for reading. */
export function formatUrl(url: string): string {
  return url.replace(/^https?:\/\//, "").replace(/\/$/, "");
}
