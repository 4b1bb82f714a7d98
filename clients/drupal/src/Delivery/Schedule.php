<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

/**
 * Decides when, so that a thousand sites do not report in the same second.
 */
final class Schedule {

  private const MIN_INTERVAL = 60;
  private const MAX_INTERVAL = 604800;
  private const FIRST_BACKOFF = 60;
  private const MAX_BACKOFF = 21600;

  /**
   * When the next report is due.
   *
   * @param int $now
   *   The time now, Unix seconds.
   * @param int $own
   *   The least interval the site wants, in seconds.
   * @param int|null $servers
   *   The interval the server asked for, in seconds; it can only lengthen.
   * @param string $seed
   *   What tells this site from others.
   *
   * @return int
   *   Unix seconds: the interval and up to a tenth more.
   */
  public static function next(int $now, int $own, ?int $servers, string $seed): int {
    $interval = min(self::MAX_INTERVAL, max(self::MIN_INTERVAL, $own, $servers ?? 0));
    return $now + $interval + (int) ($interval / 10 * self::fraction($seed . '|' . $now));
  }

  /**
   * How long to wait after a failure.
   *
   * @param int $failures
   *   How often it failed in a row, at least 1.
   * @param string $seed
   *   What tells this site from others.
   *
   * @return int
   *   Seconds: doubling from a minute to six hours, and of that between a half
   *   and all.
   */
  public static function backoff(int $failures, string $seed): int {
    $full = min(self::MAX_BACKOFF, self::FIRST_BACKOFF * 2 ** min(16, max(0, $failures - 1)));
    return (int) ($full * (0.5 + 0.5 * self::fraction($seed . '|' . $failures)));
  }

  /**
   * A number from 0 to below 1 that a text always gets.
   */
  private static function fraction(string $text): float {
    return (int) hexdec(substr(hash('sha256', $text), 0, 8)) / 4294967296;
  }

}
