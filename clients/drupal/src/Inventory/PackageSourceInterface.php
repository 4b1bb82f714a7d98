<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Inventory;

/**
 * Knows what Composer installed.
 */
interface PackageSourceInterface {

  /**
   * Lists the packages of drupal.org; none where Composer was not used.
   *
   * @return \Drupal\drumbeat\Inventory\ComposerPackage[]
   *   In any order.
   */
  public function packages(): array;

}
