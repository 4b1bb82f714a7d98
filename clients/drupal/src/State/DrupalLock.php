<?php

declare(strict_types=1);

namespace Drupal\drumbeat\State;

use Drupal\Core\Lock\LockBackendInterface;
use Symfony\Component\DependencyInjection\Attribute\Autowire;

/**
 * The lock in Drupal's lock backend.
 */
final class DrupalLock implements LockInterface {

  /**
   * Longer than a whole run can take, in seconds.
   */
  private const TIMEOUT = 60.0;

  public function __construct(
    // There is more than one service of this interface.
    #[Autowire(service: 'lock')]
    private readonly LockBackendInterface $lock,
  ) {}

  /**
   * {@inheritdoc}
   */
  public function acquire(): bool {
    return $this->lock->acquire('drumbeat', self::TIMEOUT);
  }

  /**
   * {@inheritdoc}
   */
  public function release(): void {
    $this->lock->release('drumbeat');
  }

}
