<?php

declare(strict_types=1);

namespace Drupal\Tests\drumbeat\Unit\Fake;

use Drupal\drumbeat\State\StoreInterface;

/**
 * A store in memory that, like the real one, keeps copies.
 */
final class ArrayStore implements StoreInterface {

  /**
   * What is stored, serialized.
   *
   * @var array<string, string>
   */
  public array $values = [];

  /**
   * Whether it refuses to write, as a read-only database does.
   */
  public bool $readOnly = FALSE;

  /**
   * {@inheritdoc}
   */
  public function get(string $name): mixed {
    return isset($this->values[$name]) ? unserialize($this->values[$name], ['allowed_classes' => FALSE]) : NULL;
  }

  /**
   * {@inheritdoc}
   */
  public function set(string $name, mixed $value): void {
    $this->refuse();
    $this->values[$name] = serialize($value);
  }

  /**
   * {@inheritdoc}
   */
  public function delete(string ...$names): void {
    $this->refuse();
    foreach ($names as $name) {
      unset($this->values[$name]);
    }
  }

  /**
   * Throws when it refuses to write.
   */
  private function refuse(): void {
    if ($this->readOnly) {
      throw new \RuntimeException('SQLSTATE[HY000]: attempt to write a readonly database');
    }
  }

}
