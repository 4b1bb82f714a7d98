<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

/**
 * How a run ended.
 */
final class Outcome {

  /**
   * Takes the parts.
   *
   * @param \Drupal\drumbeat\Delivery\Notice $notice
   *   What to tell a person.
   * @param int $sent
   *   How many reports were accepted.
   * @param int $waiting
   *   How many reports wait.
   */
  public function __construct(
    public readonly Notice $notice,
    public readonly int $sent = 0,
    public readonly int $waiting = 0,
  ) {}

  /**
   * Whether something was accepted and nothing went wrong after that.
   */
  public function isSuccess(): bool {
    return $this->notice->reason === Reason::Sent;
  }

}
