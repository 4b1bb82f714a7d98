<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Environment;

use Drupal\Core\Site\Settings;

/**
 * What settings.php says under $settings['drumbeat'].
 */
final class SiteSettings {

  /**
   * The values, by name.
   *
   * @var array<string, mixed>
   */
  private readonly array $values;

  /**
   * Takes the values.
   *
   * @param array<string, mixed> $values
   *   May hold key, environment, url and allow_http.
   */
  public function __construct(array $values) {
    $this->values = $values;
  }

  /**
   * Reads them from Drupal's settings.
   */
  public static function fromSettings(): self {
    $values = Settings::get('drumbeat', []);
    return new self(is_array($values) ? $values : []);
  }

  /**
   * A text; NULL when it is not set or empty.
   */
  public function text(string $name): ?string {
    $value = $this->values[$name] ?? NULL;
    return is_string($value) && $value !== '' ? $value : NULL;
  }

  /**
   * Whether the key may go over plain HTTP to another machine.
   */
  public function allowHttp(): bool {
    return ($this->values['allow_http'] ?? FALSE) === TRUE;
  }

}
