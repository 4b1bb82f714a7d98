<?php

declare(strict_types=1);

namespace Drupal\Tests\drumbeat\Unit\Fake;

use Drupal\drumbeat\Environment\PlaceInterface;
use Drupal\drumbeat\Inventory\Extension;
use Drupal\drumbeat\Inventory\ExtensionSourceInterface;
use Drupal\drumbeat\Inventory\PackageSourceInterface;
use Drupal\drumbeat\Inventory\Platform;
use Drupal\drumbeat\Inventory\PlatformSourceInterface;
use Drupal\drumbeat\Options\Options;
use Drupal\drumbeat\Options\OptionsSourceInterface;
use Drupal\drumbeat\Report\Site;
use Drupal\drumbeat\Report\SiteSourceInterface;
use Drupal\drumbeat\State\LockInterface;

/**
 * A whole site whose parts a test can change.
 */
final class FakeSite implements ExtensionSourceInterface, LockInterface, OptionsSourceInterface, PackageSourceInterface, PlaceInterface, PlatformSourceInterface, SiteSourceInterface {

  public const SITE_ID = '3b1b0dd8-5a40-4f4e-9a53-0d6f7b8c9d01';
  public const KEY = 'dbt_site_A1b2C3d4E5A1b2C3d4E5A1b2C3d4E54MOn04';

  public Options $options;
  public string $place = 'here';
  public string $sapi = 'cli';
  public bool $locked = FALSE;
  public int $scans = 0;
  public ?\Throwable $broken = NULL;

  /**
   * The site's extensions.
   *
   * @var \Drupal\drumbeat\Inventory\Extension[]
   */
  public array $extensions;

  /**
   * Composer's packages.
   *
   * @var \Drupal\drumbeat\Inventory\ComposerPackage[]
   */
  public array $packages = [];

  public function __construct() {
    $this->options = new Options(TRUE, 'https://drumbeat.example', self::SITE_ID, 3600);
    $this->extensions = [self::module('token', '8.x-1.15')];
  }

  /**
   * A contributed module of the given version.
   */
  public static function module(string $name, string $version): Extension {
    $module = Extension::fromInfo($name, 'module', TRUE, 'modules/contrib/' . $name, [
      'name' => ucfirst($name),
      'project' => $name,
      'version' => $version,
    ]);
    assert($module !== NULL);
    return $module;
  }

  /**
   * {@inheritdoc}
   */
  public function extensions(bool $fresh): array {
    if ($this->broken !== NULL) {
      throw $this->broken;
    }
    $this->scans += (int) $fresh;
    return $this->extensions;
  }

  /**
   * {@inheritdoc}
   */
  public function packages(): array {
    return $this->packages;
  }

  /**
   * {@inheritdoc}
   */
  public function platform(): Platform {
    return new Platform('10.4.2', '8.2.36', $this->sapi, 'mysql', '10.11.19-MariaDB', 'minimal');
  }

  /**
   * {@inheritdoc}
   */
  public function options(): Options {
    return $this->options;
  }

  /**
   * {@inheritdoc}
   */
  public function hash(): string {
    return $this->place;
  }

  /**
   * {@inheritdoc}
   */
  public function site(): Site {
    return new Site('Village', 'https://village.example');
  }

  /**
   * {@inheritdoc}
   */
  public function agentVersion(): string {
    return '1.0.0';
  }

  /**
   * {@inheritdoc}
   */
  public function seenAt(string $url): void {}

  /**
   * {@inheritdoc}
   */
  public function acquire(): bool {
    if ($this->locked) {
      return FALSE;
    }
    return $this->locked = TRUE;
  }

  /**
   * {@inheritdoc}
   */
  public function release(): void {
    $this->locked = FALSE;
  }

}
