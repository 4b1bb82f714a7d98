<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

/**
 * Says that no answer came.
 */
final class TransportFailure extends \RuntimeException {

  public function __construct(public readonly Notice $notice) {
    parent::__construct('No answer: ' . $notice->reason->value);
  }

}
