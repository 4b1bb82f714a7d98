<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Inventory;

/**
 * One package of drupal.org as Composer has it.
 */
final class ComposerPackage {

  private function __construct(
    public readonly string $name,
    public readonly string $version,
    public readonly string $reference,
    public readonly string $drupalVersion,
    public readonly int $datestamp,
    public readonly string $securityCoverage,
  ) {}

  /**
   * Makes one from an entry of Composer's installed.json.
   *
   * @return self|null
   *   NULL when the package is not one of drupal.org.
   */
  public static function fromInstalled(array $entry): ?self {
    $name = Text::clean($entry['name'] ?? '', 255);
    if (!str_starts_with($name, 'drupal/')) {
      return NULL;
    }
    $extra = is_array($entry['extra'] ?? NULL) ? $entry['extra'] : [];
    $drupal = is_array($extra['drupal'] ?? NULL) ? $extra['drupal'] : [];
    $coverage = is_array($drupal['security-coverage'] ?? NULL) ? $drupal['security-coverage'] : [];
    $source = is_array($entry['source'] ?? NULL) ? $entry['source'] : [];
    $dist = is_array($entry['dist'] ?? NULL) ? $entry['dist'] : [];
    return new self(
      $name,
      Text::clean($entry['version'] ?? '', 128),
      Text::clean($source['reference'] ?? $dist['reference'] ?? '', 255),
      Text::clean($drupal['version'] ?? '', 128),
      Text::timestamp($drupal['datestamp'] ?? 0),
      Text::clean($coverage['status'] ?? '', 64),
    );
  }

  /**
   * The fields as the contract names them; what is empty is left out.
   *
   * @return array<string, string|int>
   *   Ready for JSON.
   */
  public function toArray(): array {
    return array_filter([
      'name' => $this->name,
      'version' => $this->version,
      'reference' => $this->reference,
      'drupalVersion' => $this->drupalVersion,
      'datestamp' => $this->datestamp,
      'securityCoverage' => $this->securityCoverage,
    ], static fn (string|int $value): bool => $value !== '' && $value !== 0);
  }

}
