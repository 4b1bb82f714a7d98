<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Environment;

/**
 * The environment's name, and who gave it.
 */
final class Environment {

  public function __construct(
    public readonly string $name,
    public readonly EnvironmentSource $source,
  ) {}

  /**
   * Whether an environment of this name reports.
   *
   * @param string[] $reporting
   *   The names that do.
   */
  public function reports(array $reporting): bool {
    return match ($this->source) {
      // Whoever connected this very installation meant it.
      EnvironmentSource::Administrator => TRUE,
      EnvironmentSource::Copied, EnvironmentSource::Nobody => FALSE,
      default => in_array($this->name, $reporting, TRUE),
    };
  }

}
