<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Report;

/**
 * Knows the site's name and address, and the version of this module.
 */
interface SiteSourceInterface {

  /**
   * What the site says of itself.
   */
  public function site(): Site;

  /**
   * This module's version; `dev` for a checkout.
   */
  public function agentVersion(): string;

  /**
   * Remembers the address under which an administrator sees the site.
   */
  public function seenAt(string $url): void;

}
