<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Connection;

/**
 * Says that a text is no connection string, without repeating it.
 */
final class InvalidConnectionString extends \InvalidArgumentException {

  public function __construct(public readonly ConnectionFault $fault) {
    parent::__construct('Not a connection string: ' . $fault->name);
  }

}
