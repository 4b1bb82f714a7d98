<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Options;

use Drupal\Core\Config\ConfigFactoryInterface;

/**
 * The configuration object drumbeat.settings.
 */
final class ConfigOptionsSource implements OptionsSourceInterface {

  public function __construct(private readonly ConfigFactoryInterface $configFactory) {}

  /**
   * {@inheritdoc}
   */
  public function options(): Options {
    $config = $this->configFactory->get('drumbeat.settings');
    return new Options(
      $config->get('enabled') === TRUE,
      (string) $config->get('server_url'),
      (string) $config->get('site_id'),
      (int) ($config->get('interval') ?? 3600),
      array_values(array_map('strval', (array) $config->get('reporting_environments'))),
      (string) $config->get('key_id'),
    );
  }

}
