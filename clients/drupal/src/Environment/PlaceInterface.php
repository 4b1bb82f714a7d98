<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Environment;

/**
 * Tells this installation from its copies.
 */
interface PlaceInterface {

  /**
   * A hash that a copy with another database or site folder does not have.
   *
   * It never leaves the site.
   */
  public function hash(): string;

}
