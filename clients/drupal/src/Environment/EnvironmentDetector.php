<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Environment;

use Drupal\drumbeat\Inventory\Text;
use Drupal\drumbeat\State\StoreInterface;

/**
 * Finds out which environment this is.
 *
 * Configuration and database are copied to staging and to laptops; so the name
 * comes from outside of both, or is bound to this installation.
 */
final class EnvironmentDetector {

  /**
   * Variables by which hosts name the environment.
   */
  private const HOST_VARIABLES = [
    'PANTHEON_ENVIRONMENT',
    'AH_SITE_ENVIRONMENT',
    'PLATFORM_ENVIRONMENT_TYPE',
    'LAGOON_ENVIRONMENT_TYPE',
    'WODBY_ENVIRONMENT_TYPE',
  ];

  /**
   * Variables of tools for laptops.
   */
  private const LAPTOP_VARIABLES = ['IS_DDEV_PROJECT', 'LANDO'];

  private const NAME = 'environment';

  /**
   * Reads an environment variable.
   *
   * @var callable
   */
  private $getenv;

  /**
   * Takes what it asks.
   *
   * @param \Drupal\drumbeat\Environment\SiteSettings $settings
   *   Knows what settings.php says.
   * @param \Drupal\drumbeat\State\StoreInterface $store
   *   Knows what an administrator said.
   * @param \Drupal\drumbeat\Environment\PlaceInterface $place
   *   Knows where this is.
   * @param callable|null $getenv
   *   Reads an environment variable; NULL for getenv().
   */
  public function __construct(
    private readonly SiteSettings $settings,
    private readonly StoreInterface $store,
    private readonly PlaceInterface $place,
    ?callable $getenv = NULL,
  ) {
    $this->getenv = $getenv ?? getenv(...);
  }

  /**
   * The environment of this installation.
   */
  public function detect(): Environment {
    $name = $this->clean($this->settings->text('environment'));
    if ($name !== '') {
      return new Environment($name, EnvironmentSource::Settings);
    }
    $name = $this->variable('DRUMBEAT_ENVIRONMENT');
    if ($name !== '') {
      return new Environment($name, EnvironmentSource::Variable);
    }
    foreach (self::HOST_VARIABLES as $variable) {
      $name = $this->variable($variable);
      if ($name !== '') {
        return new Environment($name, EnvironmentSource::Host);
      }
    }
    foreach (self::LAPTOP_VARIABLES as $variable) {
      if ($this->variable($variable) !== '') {
        return new Environment('development', EnvironmentSource::Host);
      }
    }
    $said = $this->store->get(self::NAME);
    if (is_array($said) && is_string($said['name'] ?? NULL) && $said['name'] !== '') {
      $here = hash_equals((string) ($said['place'] ?? ''), $this->place->hash());
      return new Environment($said['name'], $here ? EnvironmentSource::Administrator : EnvironmentSource::Copied);
    }
    return new Environment('', EnvironmentSource::Nobody);
  }

  /**
   * Names the environment of this installation and of no copy of it.
   */
  public function name(string $name): void {
    $this->store->set(self::NAME, ['name' => $this->clean($name), 'place' => $this->place->hash()]);
  }

  /**
   * Forgets what an administrator said.
   */
  public function forget(): void {
    $this->store->delete(self::NAME);
  }

  /**
   * Reads an environment variable.
   */
  private function variable(string $name): string {
    $value = ($this->getenv)($name);
    return $this->clean(is_string($value) ? $value : NULL);
  }

  /**
   * Makes a name fit for the report.
   */
  private function clean(?string $name): string {
    return Text::clean($name ?? '', 64);
  }

}
