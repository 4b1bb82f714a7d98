<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

use Drupal\drumbeat\Connection\SiteKey;
use Drupal\drumbeat\Inventory\Text;

/**
 * Something to tell a person: a reason and what belongs into its sentence.
 *
 * It is stored as it is and worded when it is shown, in the reader's language.
 */
final class Notice {

  /**
   * What belongs into the sentence: names, numbers, a server's own words.
   *
   * @var array<string, string|int>
   */
  public readonly array $values;

  /**
   * Takes the reason and the values.
   *
   * @param \Drupal\drumbeat\Delivery\Reason $reason
   *   The reason.
   * @param array<string, string|int> $values
   *   The values. Texts are cut to 300 characters; keys are taken out.
   */
  public function __construct(
    public readonly Reason $reason,
    array $values = [],
  ) {
    $this->values = array_map(
      static fn (string|int $value): string|int => is_int($value) ? $value : Text::clean(SiteKey::redact($value), 300),
      $values,
    );
  }

  /**
   * For the store.
   *
   * @return array{reason: string, values: array<string, string|int>}
   *   Plain data.
   */
  public function toArray(): array {
    return ['reason' => $this->reason->value, 'values' => $this->values];
  }

  /**
   * From the store; NULL when it does not hold one.
   */
  public static function fromArray(mixed $data): ?self {
    $reason = is_array($data) && is_string($data['reason'] ?? NULL) ? Reason::tryFrom($data['reason']) : NULL;
    if ($reason === NULL) {
      return NULL;
    }
    $values = is_array($data['values'] ?? NULL) ? $data['values'] : [];
    return new self($reason, array_filter($values, static fn (mixed $value): bool => is_string($value) || is_int($value)));
  }

}
