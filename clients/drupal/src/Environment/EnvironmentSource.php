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

  /**
   * Whether nothing outside of Drupal has named it, so that people may.
   */
  public function isOurs(): bool {
    return match ($this) {
      self::Administrator, self::Copied, self::Nobody => TRUE,
      default => FALSE,
    };
  }

}
