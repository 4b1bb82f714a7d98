<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

/**
 * What to do about a report after an answer.
 */
final class Verdict {

  /**
   * Takes the parts.
   *
   * @param \Drupal\drumbeat\Delivery\Action $action
   *   What to do with the report.
   * @param \Drupal\drumbeat\Delivery\Notice $notice
   *   What to tell a person.
   * @param int|null $retryAfter
   *   How long the server asked to wait, in seconds; NULL when it did not.
   * @param int|null $nextReportIn
   *   How long to wait before the next report, in seconds; NULL when unknown.
   * @param bool $fullReportNeeded
   *   Whether the server asks for a report with lists.
   * @param int|null $skew
   *   How far this clock is ahead of the server's, in seconds; NULL when
   *   unknown.
   */
  public function __construct(
    public readonly Action $action,
    public readonly Notice $notice,
    public readonly ?int $retryAfter = NULL,
    public readonly ?int $nextReportIn = NULL,
    public readonly bool $fullReportNeeded = FALSE,
    public readonly ?int $skew = NULL,
  ) {}

}
