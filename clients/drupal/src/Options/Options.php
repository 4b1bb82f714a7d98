<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Options;

/**
 * The module's configuration.
 */
final class Options {

  /**
   * Takes the values.
   *
   * @param bool $enabled
   *   Whether the site reports.
   * @param string $serverUrl
   *   Address of the server; empty when not connected.
   * @param string $siteId
   *   UUID of the site on the server; may be empty.
   * @param int $interval
   *   Least time between two reports, in seconds.
   * @param string[] $reportingEnvironments
   *   Names of environments that report.
   * @param string $keyId
   *   Key entity of the Key module; empty for none.
   */
  public function __construct(
    public readonly bool $enabled = TRUE,
    public readonly string $serverUrl = '',
    public readonly string $siteId = '',
    public readonly int $interval = 3600,
    public readonly array $reportingEnvironments = ['production', 'prod', 'live'],
    public readonly string $keyId = '',
  ) {}

}
