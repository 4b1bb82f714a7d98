<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Inventory;

/**
 * What the site runs on.
 */
final class Platform {

  /**
   * Drupal's version.
   */
  public readonly string $drupalVersion;

  /**
   * PHP's version.
   */
  public readonly string $phpVersion;

  /**
   * How PHP runs: cli, fpm-fcgi and so on.
   */
  public readonly string $phpSapi;

  /**
   * Drupal's name of the database driver.
   */
  public readonly string $dbDriver;

  /**
   * The database server's version, as it says it.
   */
  public readonly string $dbVersion;

  /**
   * The installation profile.
   */
  public readonly string $profile;

  public function __construct(
    string $drupalVersion,
    string $phpVersion,
    string $phpSapi,
    string $dbDriver,
    string $dbVersion,
    string $profile,
  ) {
    $this->drupalVersion = Text::clean($drupalVersion, 128);
    $this->phpVersion = Text::clean($phpVersion, 128);
    $this->phpSapi = Text::clean($phpSapi, 64);
    $this->dbDriver = Text::clean($dbDriver, 64);
    $this->dbVersion = Text::clean($dbVersion, 255);
    $this->profile = Text::clean($profile, 128);
  }

  /**
   * The fields as the contract names them; what is empty is left out.
   *
   * @return array<string, string>
   *   Ready for JSON.
   */
  public function toArray(): array {
    return array_filter([
      'drupalVersion' => $this->drupalVersion,
      'phpVersion' => $this->phpVersion,
      'phpSapi' => $this->phpSapi,
      'dbDriver' => $this->dbDriver,
      'dbVersion' => $this->dbVersion,
      'profile' => $this->profile,
    ], static fn (string $value): bool => $value !== '');
  }

}
