<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Connection;

use Drupal\drumbeat\State\StoreInterface;

/**
 * The site's database: the last resort, filled by pasting.
 */
final class StoredKeyProvider implements KeyProviderInterface {

  private const NAME = 'key';

  public function __construct(private readonly StoreInterface $store) {}

  /**
   * {@inheritdoc}
   */
  public function source(): KeySource {
    return KeySource::Database;
  }

  /**
   * {@inheritdoc}
   */
  public function text(): ?string {
    $value = $this->store->get(self::NAME);
    return is_string($value) && $value !== '' ? $value : NULL;
  }

  /**
   * Keeps a key.
   */
  public function keep(SiteKey $key): void {
    $this->store->set(self::NAME, $key->reveal());
  }

  /**
   * Forgets the key.
   */
  public function forget(): void {
    $this->store->delete(self::NAME);
  }

}
