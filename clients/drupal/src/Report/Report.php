<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Report;

/**
 * One report, ready to be sent or to wait.
 */
final class Report {

  /**
   * Takes its parts.
   *
   * @param string $id
   *   The report's UUID, kept for as long as the report lives.
   * @param bool $full
   *   FALSE for a heartbeat without lists.
   * @param string $hash
   *   The inventory's hash.
   * @param \Drupal\drumbeat\Report\Trigger $trigger
   *   Why it was made.
   * @param int $collectedAt
   *   When the site looked at itself, Unix seconds.
   * @param string $json
   *   The message, byte for byte as it will be sent.
   */
  public function __construct(
    public readonly string $id,
    public readonly bool $full,
    public readonly string $hash,
    public readonly Trigger $trigger,
    public readonly int $collectedAt,
    public readonly string $json,
  ) {}

}
