/** What the page knows of its connection to the server's stream of changes. */
export type LiveState =
  /** The first attempt is under way. */
  | "connecting"
  /** The stream is open: changes arrive by themselves. */
  | "live"
  /** The stream broke and is being opened again. */
  | "reconnecting"
  /** The stream could not be opened for a while: the page asks once a minute. */
  | "polling";

const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;
/** Without a first message within this time, something between buffers the stream. */
const OPEN_TIMEOUT = 15_000;
const POLL_INTERVAL = 60_000;
const FAILURES_BEFORE_POLLING = 2;

export type WatchOptions = {
  /** Opens the stream; each message holds the ids of changed sites, none for "anything". */
  open(signal: AbortSignal): AsyncIterable<readonly string[]>;
  onState(state: LiveState): void;
  /** Sites changed; an empty list means that anything may have. */
  onChange(siteIds: readonly string[]): void;
  /** Says whether trying again can help; false stops for good. */
  isWorthRetrying(reason: unknown): boolean;
  /** A number from 0 up to 1, for the jitter. */
  random?: () => number;
};

/**
 * Keeps a stream of changes open until the signal is aborted: reconnects with
 * exponential backoff and jitter, and polls while that does not succeed. After
 * each reconnection everything counts as changed, for messages may be missed.
 */
export async function watch(signal: AbortSignal, options: WatchOptions): Promise<void> {
  const random = options.random ?? Math.random;
  let failures = 0;
  let missed = false;
  let lastPoll = Date.now();
  options.onState("connecting");
  while (!signal.aborted) {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    signal.addEventListener("abort", stop);
    const timeout = setTimeout(stop, OPEN_TIMEOUT);
    try {
      let opened = false;
      for await (const siteIds of options.open(attempt.signal)) {
        if (signal.aborted) return;
        if (!opened) {
          opened = true;
          clearTimeout(timeout);
          failures = 0;
          options.onState("live");
          // The first message only says that the stream is open.
          if (siteIds.length === 0 && !missed) continue;
        }
        options.onChange(siteIds);
      }
    } catch (reason) {
      if (!signal.aborted && !attempt.signal.aborted && !options.isWorthRetrying(reason)) {
        options.onState("polling");
        return;
      }
    } finally {
      clearTimeout(timeout);
      signal.removeEventListener("abort", stop);
      attempt.abort();
    }
    if (signal.aborted) return;
    missed = true;
    failures += 1;
    options.onState(failures > FAILURES_BEFORE_POLLING ? "polling" : "reconnecting");
    if (failures > FAILURES_BEFORE_POLLING && Date.now() - lastPoll >= POLL_INTERVAL) {
      lastPoll = Date.now();
      options.onChange([]);
    }
    const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (failures - 1));
    await sleep(ceiling * (0.5 + random() / 2), signal);
  }
}

function sleep(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, millis);
    signal.addEventListener("abort", done);
  });
}
