<?php

declare(strict_types=1);

namespace Drupal\Tests\drumbeat\Unit\Fake;

use Drupal\drumbeat\ClockInterface;

/**
 * A clock that a test sets.
 */
final class FakeClock implements ClockInterface {

  public float $monotonic = 0.0;

  public function __construct(public int $now = 1800000000) {}

  /**
   * {@inheritdoc}
   */
  public function now(): int {
    return $this->now;
  }

  /**
   * {@inheritdoc}
   */
  public function monotonic(): float {
    return $this->monotonic;
  }

}
