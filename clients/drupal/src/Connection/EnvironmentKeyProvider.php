<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Connection;

/**
 * The environment variable DRUMBEAT_KEY.
 */
final class EnvironmentKeyProvider implements KeyProviderInterface {

  /**
   * {@inheritdoc}
   */
  public function source(): KeySource {
    return KeySource::Environment;
  }

  /**
   * {@inheritdoc}
   */
  public function text(): ?string {
    $value = getenv('DRUMBEAT_KEY');
    return is_string($value) && $value !== '' ? $value : NULL;
  }

}
