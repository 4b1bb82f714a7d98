<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

use Drupal\drumbeat\Connection\Connection;
use Drupal\drumbeat\Connection\KeyRing;
use Drupal\drumbeat\Connection\ServerUrl;
use Drupal\drumbeat\Environment\EnvironmentDetector;
use Drupal\drumbeat\Environment\EnvironmentSource;
use Drupal\drumbeat\Environment\SiteSettings;
use Drupal\drumbeat\Options\OptionsSourceInterface;

/**
 * Decides whether this site may say anything at all.
 */
final class Gate {

  public function __construct(
    private readonly OptionsSourceInterface $options,
    private readonly KeyRing $keys,
    private readonly EnvironmentDetector $environment,
    private readonly SiteSettings $settings,
  ) {}

  /**
   * The connection, or why there is none.
   *
   * Says nothing of whether the site should report: a connection can be tested
   * from anywhere.
   */
  public function connection(): Connection|Notice {
    $options = $this->options->options();
    if ($options->serverUrl === '') {
      return new Notice(Reason::NotConnected);
    }
    $url = ServerUrl::normalize($options->serverUrl, $this->settings->allowHttp());
    if ($url === NULL) {
      return new Notice(Reason::BadAddress);
    }
    $found = $this->keys->find();
    if ($found->source === NULL) {
      return new Notice(Reason::NoKey);
    }
    if ($found->key === NULL) {
      return new Notice(Reason::BadKey, ['source' => $found->source->value]);
    }
    return new Connection($url, $options->siteId, $found->key, $found->source);
  }

  /**
   * The connection to report over, or why the site keeps silent.
   */
  public function open(): Connection|Notice {
    $options = $this->options->options();
    if (!$options->enabled) {
      return new Notice(Reason::Off);
    }
    $connection = $this->connection();
    if ($connection instanceof Notice) {
      return $connection;
    }
    $environment = $this->environment->detect();
    if (!$environment->reports($options->reportingEnvironments)) {
      return match ($environment->source) {
        EnvironmentSource::Nobody => new Notice(Reason::EnvironmentUnnamed),
        EnvironmentSource::Copied => new Notice(Reason::EnvironmentCopied, ['environment' => $environment->name]),
        default => new Notice(Reason::EnvironmentSilent, ['environment' => $environment->name]),
      };
    }
    return $connection;
  }

}
