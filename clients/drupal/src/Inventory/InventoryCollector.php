<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Inventory;

/**
 * Puts the sources together.
 */
final class InventoryCollector {

  public function __construct(
    private readonly PlatformSourceInterface $platform,
    private readonly ExtensionSourceInterface $extensions,
    private readonly PackageSourceInterface $packages,
  ) {}

  /**
   * Looks at the site.
   *
   * @param bool $fresh
   *   TRUE to look at the disk, which takes some tenths of a second; FALSE to
   *   take what Drupal has cached, which takes some milliseconds.
   */
  public function collect(bool $fresh): Inventory {
    return new Inventory($this->platform->platform(), $this->extensions->extensions($fresh), $this->packages->packages());
  }

}
