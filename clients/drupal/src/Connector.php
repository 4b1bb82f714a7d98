<?php

declare(strict_types=1);

namespace Drupal\drumbeat;

use Drupal\Core\Config\ConfigFactoryInterface;
use Drupal\drumbeat\Connection\ConnectionString;
use Drupal\drumbeat\Connection\KeyRing;
use Drupal\drumbeat\Connection\KeySource;
use Drupal\drumbeat\Connection\StoredKeyProvider;
use Drupal\drumbeat\Environment\EnvironmentDetector;
use Drupal\drumbeat\Environment\SiteSettings;

/**
 * Connects the site and disconnects it.
 */
final class Connector {

  public function __construct(
    private readonly ConfigFactoryInterface $configFactory,
    private readonly StoredKeyProvider $storedKey,
    private readonly KeyRing $keys,
    private readonly EnvironmentDetector $environment,
    private readonly SiteSettings $settings,
  ) {}

  /**
   * Reads a connection string by this site's rules.
   *
   * @throws \Drupal\drumbeat\Connection\InvalidConnectionString
   *   When it is none.
   */
  public function parse(#[\SensitiveParameter] string $text): ConnectionString {
    return ConnectionString::parse($text, $this->settings->allowHttp());
  }

  /**
   * Connects the site.
   *
   * @return \Drupal\drumbeat\Connection\KeySource
   *   Where the key is taken from: where one is set outside of the database,
   *   the one in the string is not kept.
   */
  public function connect(ConnectionString $connection): KeySource {
    $this->configFactory->getEditable('drumbeat.settings')
      ->set('server_url', $connection->serverUrl)
      ->set('site_id', $connection->siteId)
      ->save();
    $source = $this->keys->find()->source;
    if ($source === NULL || $source === KeySource::Database) {
      $this->storedKey->keep($connection->key);
      return KeySource::Database;
    }
    return $source;
  }

  /**
   * Names the environment, unless something outside of Drupal has named it.
   */
  public function nameEnvironment(string $name): void {
    $source = $this->environment->detect()->source;
    if ($name !== '' && $source->isOurs()) {
      $this->environment->name($name);
    }
  }

  /**
   * Forgets the server, the site and the key that is in the database.
   */
  public function disconnect(): void {
    $this->configFactory->getEditable('drumbeat.settings')
      ->set('server_url', '')
      ->set('site_id', '')
      ->save();
    $this->storedKey->forget();
    $this->environment->forget();
  }

}
