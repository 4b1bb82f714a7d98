import { FeedState } from "@drumbeat/api/drumbeat/releases/v1/releases_pb";
import type { Tone } from "@/lib/words";

/** What became of the last request for a feed, by its name in the URL. */
export const FEED_STATES = {
  ok: { state: FeedState.OK, label: "Fresh", tone: "good", hint: "The data is what the source last said." },
  never: { state: FeedState.NEVER, label: "Not asked yet", tone: "neutral", hint: "It will be asked for within seconds." },
  missing: { state: FeedState.MISSING, label: "Not there", tone: "unknown", hint: "The source knows no such project." },
  failed: {
    state: FeedState.FAILED,
    label: "Failed",
    tone: "danger",
    hint: "The last request failed; the last good data stays in force.",
  },
  malformed: {
    state: FeedState.MALFORMED,
    label: "Unreadable",
    tone: "danger",
    hint: "The last answer was no release history; the last good data stays in force.",
  },
} as const satisfies Record<string, { state: FeedState; label: string; tone: Tone; hint: string }>;

export type FeedStateName = keyof typeof FEED_STATES;

export function describeFeed(state: FeedState): { label: string; tone: Tone; hint: string } {
  return (
    Object.values(FEED_STATES).find((each) => each.state === state) ?? {
      label: "Unknown",
      tone: "unknown",
      hint: "This version of the page does not know the state.",
    }
  );
}
