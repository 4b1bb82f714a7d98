<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Inventory;

/**
 * Knows the extensions on the site's disk.
 */
interface ExtensionSourceInterface {

  /**
   * Lists the modules, themes and profiles, installed or not.
   *
   * @param bool $fresh
   *   TRUE to look at the disk, FALSE to take what Drupal has cached.
   *
   * @return \Drupal\drumbeat\Inventory\Extension[]
   *   In any order.
   */
  public function extensions(bool $fresh): array;

}
