<?php

declare(strict_types=1);

namespace Drupal\drumbeat\State;

/**
 * Lets one process at a time send.
 */
interface LockInterface {

  /**
   * Takes the lock without waiting for it.
   */
  public function acquire(): bool;

  /**
   * Gives the lock back.
   */
  public function release(): void;

}
