<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Report;

/**
 * What the site says of itself.
 */
final class Site {

  /**
   * Takes the values.
   *
   * @param string $name
   *   The site's name.
   * @param string $url
   *   Its base URL; empty when it does not know.
   */
  public function __construct(
    public readonly string $name,
    public readonly string $url,
  ) {}

}
