<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Inventory;

use Drupal\Core\Database\Connection;
use Symfony\Component\DependencyInjection\Attribute\Autowire;

/**
 * The platform as Drupal and PHP tell it.
 */
final class DrupalPlatformSource implements PlatformSourceInterface {

  public function __construct(
    private readonly Connection $database,
    #[Autowire(param: 'install_profile')]
    private readonly string|false|null $installProfile,
  ) {}

  /**
   * {@inheritdoc}
   */
  public function platform(): Platform {
    $driver = $this->database->driver();
    $version = (string) $this->database->version();
    // Some MariaDB servers hide behind a version that looks like MySQL's.
    if ($driver === 'mysql' && method_exists($this->database, 'isMariaDb') && $this->database->isMariaDb() && stripos($version, 'mariadb') === FALSE) {
      $version .= '-MariaDB';
    }
    return new Platform(\Drupal::VERSION, PHP_VERSION, PHP_SAPI, $driver, $version, (string) $this->installProfile);
  }

}
