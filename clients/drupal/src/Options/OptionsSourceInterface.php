<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Options;

/**
 * Reads the module's configuration.
 */
interface OptionsSourceInterface {

  /**
   * The configuration as it is now, overrides of settings.php included.
   */
  public function options(): Options;

}
