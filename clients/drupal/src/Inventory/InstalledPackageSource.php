<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Inventory;

use Composer\Autoload\ClassLoader;

/**
 * Reads Composer's installed.json beside the code that runs.
 *
 * Composer\InstalledVersions knows neither drupal.org's version nor its
 * security coverage; the file does.
 */
final class InstalledPackageSource implements PackageSourceInterface {

  /**
   * A file larger than this is not read, in bytes.
   */
  private const MAX_BYTES = 16777216;

  /**
   * Takes the folders in which to look.
   *
   * @param string[]|null $vendorDirs
   *   Vendor folders; NULL for those of the running autoloaders.
   */
  public function __construct(private readonly ?array $vendorDirs = NULL) {}

  /**
   * {@inheritdoc}
   */
  public function packages(): array {
    foreach ($this->vendorDirs ?? array_keys(ClassLoader::getRegisteredLoaders()) as $dir) {
      $entries = $this->read($dir . '/composer/installed.json');
      // Drush can bring an autoloader of its own: the site's is the one that
      // has Drupal in it.
      $names = array_column($entries, 'name');
      if (in_array('drupal/core', $names, TRUE) || in_array('drupal/drupal', $names, TRUE)) {
        return array_values(array_filter(array_map(ComposerPackage::fromInstalled(...), $entries)));
      }
    }
    return [];
  }

  /**
   * The entries of one file; none when it cannot be understood.
   *
   * @return array<int, array<string, mixed>>
   *   As Composer wrote them.
   */
  private function read(string $file): array {
    if (!is_file($file) || !is_readable($file) || filesize($file) > self::MAX_BYTES) {
      return [];
    }
    $data = json_decode((string) file_get_contents($file), TRUE);
    $entries = is_array($data) ? ($data['packages'] ?? $data) : [];
    return is_array($entries) ? array_values(array_filter($entries, 'is_array')) : [];
  }

}
