<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Inventory;

/**
 * Knows what the site runs on.
 */
interface PlatformSourceInterface {

  /**
   * Describes it.
   */
  public function platform(): Platform;

}
