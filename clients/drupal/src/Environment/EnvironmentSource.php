<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Environment;

/**
 * Who named the environment.
 */
enum EnvironmentSource: string {

  case Settings = 'settings';
  case Variable = 'variable';
  case Host = 'host';
  case Administrator = 'administrator';
  case Copied = 'copied';
  case Nobody = 'nobody';

}
