<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Environment;

use Drupal\Core\Database\Connection;
use Symfony\Component\DependencyInjection\Attribute\Autowire;

/**
 * The place told by the address of the database and the site's folder.
 *
 * Not by the code's path, which changes with every release in deployments that
 * use a folder each, nor by the machine's name, which changes with every
 * container.
 */
final class DatabasePlace implements PlaceInterface {

  public function __construct(
    private readonly Connection $database,
    #[Autowire(param: 'site.path')]
    private readonly string $sitePath,
  ) {}

  /**
   * {@inheritdoc}
   */
  public function hash(): string {
    $options = $this->database->getConnectionOptions();
    $name = (string) ($options['database'] ?? '');
    if (!isset($options['host']) && is_file($name)) {
      // SQLite: a path that may be given from the site's folder.
      $name = (string) realpath($name);
    }
    return hash('sha256', json_encode([
      $this->sitePath,
      $options['driver'] ?? '',
      $options['host'] ?? '',
      (string) ($options['port'] ?? ''),
      $name,
      $options['prefix'] ?? '',
    ], JSON_THROW_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE));
  }

}
