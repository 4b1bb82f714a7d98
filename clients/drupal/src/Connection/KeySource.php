<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Connection;

/**
 * Where a key was found.
 */
enum KeySource: string {

  case Environment = 'environment';
  case Settings = 'settings';
  case KeyModule = 'key_module';
  case Database = 'database';

}
