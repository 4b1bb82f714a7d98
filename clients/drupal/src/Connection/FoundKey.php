<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Connection;

/**
 * What looking for the key has found.
 */
final class FoundKey {

  /**
   * Says it.
   *
   * @param \Drupal\drumbeat\Connection\KeySource|null $source
   *   Where something was found; NULL when nowhere.
   * @param \Drupal\drumbeat\Connection\SiteKey|null $key
   *   The key; NULL when there is none, or when what was found is none.
   */
  public function __construct(
    public readonly ?KeySource $source,
    public readonly ?SiteKey $key,
  ) {}

}
