<?php

declare(strict_types=1);

namespace Drupal\drumbeat\State;

/**
 * Where the module remembers what it did: never exported, never cached.
 */
interface StoreInterface {

  /**
   * Reads a value; NULL when there is none.
   */
  public function get(string $name): mixed;

  /**
   * Writes a value.
   *
   * @throws \Exception
   *   When it cannot be written.
   */
  public function set(string $name, mixed $value): void;

  /**
   * Forgets values.
   */
  public function delete(string ...$names): void;

}
