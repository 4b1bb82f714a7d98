<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Inventory;

/**
 * Everything a full report says of the site's code.
 */
final class Inventory {

  /**
   * The most the contract takes of extensions, and of packages.
   */
  private const MAX_ITEMS = 5000;

  /**
   * The site's extensions, in a fixed order.
   *
   * @var \Drupal\drumbeat\Inventory\Extension[]
   */
  public readonly array $extensions;

  /**
   * Composer's packages of drupal.org, in a fixed order.
   *
   * @var \Drupal\drumbeat\Inventory\ComposerPackage[]
   */
  public readonly array $composerPackages;

  /**
   * SHA-256 of everything in it, in hex.
   */
  public readonly string $hash;

  /**
   * SHA-256 of the code alone, in hex.
   *
   * PHP and its SAPI differ between cron on the command line and cron in the
   * web. Where both run, that must not look like an update each time.
   */
  public readonly string $codeHash;

  /**
   * Sorts and bounds what was found.
   *
   * @param \Drupal\drumbeat\Inventory\Platform $platform
   *   What the site runs on.
   * @param \Drupal\drumbeat\Inventory\Extension[] $extensions
   *   In any order.
   * @param \Drupal\drumbeat\Inventory\ComposerPackage[] $composerPackages
   *   In any order.
   */
  public function __construct(
    public readonly Platform $platform,
    array $extensions,
    array $composerPackages,
  ) {
    // What runs comes first, so that the rest is what a huge site loses.
    $rank = static fn (Extension $extension): array => [!$extension->enabled, $extension->type, $extension->name];
    usort($extensions, static fn (Extension $a, Extension $b): int => $rank($a) <=> $rank($b));
    usort($composerPackages, static fn (ComposerPackage $a, ComposerPackage $b): int => $a->name <=> $b->name);
    $this->extensions = array_slice($extensions, 0, self::MAX_ITEMS);
    $this->composerPackages = $this->extensions === [] ? [] : array_slice($composerPackages, 0, self::MAX_ITEMS);

    $code = [
      $platform->drupalVersion,
      $platform->profile,
      array_map(static fn (Extension $extension): array => $extension->toArray(), $this->extensions),
      array_map(static fn (ComposerPackage $package): array => $package->toArray(), $this->composerPackages),
    ];
    $this->codeHash = hash('sha256', json_encode($code, JSON_THROW_ON_ERROR));
    $this->hash = hash('sha256', json_encode([$this->codeHash, $platform->toArray()], JSON_THROW_ON_ERROR));
  }

}
