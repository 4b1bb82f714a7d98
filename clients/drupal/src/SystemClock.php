<?php

declare(strict_types=1);

namespace Drupal\drumbeat;

use Drupal\Component\Datetime\TimeInterface;

/**
 * The clock of the machine.
 */
final class SystemClock implements ClockInterface {

  public function __construct(private readonly TimeInterface $time) {}

  /**
   * {@inheritdoc}
   */
  public function now(): int {
    return $this->time->getCurrentTime();
  }

  /**
   * {@inheritdoc}
   */
  public function monotonic(): float {
    return hrtime(TRUE) / 1e9;
  }

}
