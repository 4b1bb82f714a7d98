<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

/**
 * What came back over HTTP, before anyone believes it.
 */
final class Answer {

  /**
   * Takes the parts of a response that matter.
   *
   * @param int $status
   *   The HTTP status.
   * @param string $body
   *   The beginning of the body.
   * @param string $retryAfter
   *   The header of that name; empty when absent.
   * @param string $date
   *   The header of that name; empty when absent.
   * @param string $location
   *   The header of that name; empty when absent.
   */
  public function __construct(
    public readonly int $status,
    public readonly string $body,
    public readonly string $retryAfter = '',
    public readonly string $date = '',
    public readonly string $location = '',
  ) {}

}
