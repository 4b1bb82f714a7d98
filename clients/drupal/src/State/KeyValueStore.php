<?php

declare(strict_types=1);

namespace Drupal\drumbeat\State;

use Drupal\Core\KeyValueStore\KeyValueFactoryInterface;
use Symfony\Component\DependencyInjection\Attribute\Autowire;

/**
 * The store in Drupal's key-value table.
 *
 * Not the State service: that one copies what it reads into cache backends,
 * and reports and keys have no business there.
 */
final class KeyValueStore implements StoreInterface {

  /**
   * The collection that holds everything of this module.
   */
  public const COLLECTION = 'drumbeat';

  public function __construct(
    // Drupal 10 does not know this service by its interface.
    #[Autowire(service: 'keyvalue')]
    private readonly KeyValueFactoryInterface $factory,
  ) {}

  /**
   * {@inheritdoc}
   */
  public function get(string $name): mixed {
    return $this->factory->get(self::COLLECTION)->get($name);
  }

  /**
   * {@inheritdoc}
   */
  public function set(string $name, mixed $value): void {
    $this->factory->get(self::COLLECTION)->set($name, $value);
  }

  /**
   * {@inheritdoc}
   */
  public function delete(string ...$names): void {
    $this->factory->get(self::COLLECTION)->deleteMultiple($names);
  }

}
