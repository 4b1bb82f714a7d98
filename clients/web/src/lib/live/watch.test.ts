import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { watch, type LiveState } from "./watch";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

type Attempt = (signal: AbortSignal) => AsyncIterable<readonly string[]>;

function run(attempts: Attempt[], isWorthRetrying: (reason: unknown) => boolean = () => true) {
  const states: LiveState[] = [];
  const changes: (readonly string[])[] = [];
  const controller = new AbortController();
  let opened = 0;
  const done = watch(controller.signal, {
    open(signal) {
      const attempt = attempts[Math.min(opened, attempts.length - 1)];
      opened += 1;
      if (!attempt) throw new Error("no attempt");
      return attempt(signal);
    },
    onState: (state) => {
      if (states.at(-1) !== state) states.push(state);
    },
    onChange: (siteIds) => changes.push(siteIds),
    isWorthRetrying,
    random: () => 1,
  });
  return { states, changes, done, stop: () => controller.abort(), opened: () => opened };
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));

async function* staysOpen(signal: AbortSignal, ...messages: string[][]) {
  yield [];
  yield* messages;
  await aborted(signal);
}

async function* breaks(): AsyncGenerator<string[]> {
  throw new Error("refused");
}

it("the first message only says that the stream is open", async () => {
  const watched = run([(signal) => staysOpen(signal, ["a"])]);
  await vi.advanceTimersByTimeAsync(0);
  expect(watched.states).toEqual(["connecting", "live"]);
  expect(watched.changes).toEqual([["a"]]);
  watched.stop();
  await watched.done;
});

it("after a break everything counts as changed", async () => {
  const watched = run([
    async function* () {
      yield [];
    },
    (signal) => staysOpen(signal),
  ]);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(watched.states).toEqual(["connecting", "live", "reconnecting", "live"]);
  expect(watched.changes).toEqual([[]]);
  watched.stop();
  await watched.done;
});

it("polls once a minute while the stream cannot be opened, and keeps trying", async () => {
  const watched = run([breaks]);
  await vi.advanceTimersByTimeAsync(190_000);
  expect(watched.states).toEqual(["connecting", "reconnecting", "polling"]);
  expect(watched.changes.length).toBe(3);
  expect(watched.opened()).toBeGreaterThan(6);
  watched.stop();
  await watched.done;
});

it("waits longer after each failure, up to half a minute", async () => {
  const watched = run([breaks]);
  await vi.advanceTimersByTimeAsync(1_000 + 2_000 + 4_000 + 8_000 + 16_000);
  expect(watched.opened()).toBe(6);
  await vi.advanceTimersByTimeAsync(29_000);
  expect(watched.opened()).toBe(6);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(watched.opened()).toBe(7);
  watched.stop();
  await watched.done;
});

it("gives up a stream that stays silent, as behind a proxy that buffers", async () => {
  const watched = run([
    async function* (signal): AsyncGenerator<string[]> {
      await aborted(signal);
      throw new Error("aborted");
    },
    (signal) => staysOpen(signal),
  ]);
  await vi.advanceTimersByTimeAsync(17_000);
  expect(watched.states).toEqual(["connecting", "reconnecting", "live"]);
  watched.stop();
  await watched.done;
});

it("stops for good where trying again cannot help", async () => {
  const watched = run([breaks], () => false);
  await vi.advanceTimersByTimeAsync(120_000);
  await watched.done;
  expect(watched.opened()).toBe(1);
});
