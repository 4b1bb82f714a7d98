<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Connection;

use Drupal\drumbeat\Environment\SiteSettings;

/**
 * The line $settings['drumbeat']['key'] in settings.php.
 */
final class SettingsKeyProvider implements KeyProviderInterface {

  public function __construct(private readonly SiteSettings $settings) {}

  /**
   * {@inheritdoc}
   */
  public function source(): KeySource {
    return KeySource::Settings;
  }

  /**
   * {@inheritdoc}
   */
  public function text(): ?string {
    return $this->settings->text('key');
  }

}
