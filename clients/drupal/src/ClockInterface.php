<?php

declare(strict_types=1);

namespace Drupal\drumbeat;

/**
 * Tells the time, so that tests can tell another.
 */
interface ClockInterface {

  /**
   * The time now, not that of the request's beginning.
   *
   * @return int
   *   Unix seconds.
   */
  public function now(): int;

  /**
   * A clock that only moves forward, for measuring how long something took.
   *
   * @return float
   *   Seconds since some fixed moment.
   */
  public function monotonic(): float;

}
