<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

/**
 * What a test of the connection found.
 */
final class ConnectionTestResult {

  /**
   * Takes the parts.
   *
   * @param \Drupal\drumbeat\Delivery\Notice $notice
   *   Sent, with the site's name on the server, or what is wrong.
   * @param int|null $skew
   *   How far this clock is ahead of the server's, in seconds; NULL if unknown.
   */
  public function __construct(
    public readonly Notice $notice,
    public readonly ?int $skew = NULL,
  ) {}

  /**
   * Whether the connection works.
   */
  public function isSuccess(): bool {
    return $this->notice->reason === Reason::Sent;
  }

}
