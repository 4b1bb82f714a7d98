<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

/**
 * What becomes of a report.
 */
enum Action {

  // It is accepted.
  case Forget;
  // It will never be accepted.
  case Drop;
  // Nothing will be accepted until a person has seen to it.
  case Stop;
  // It may be accepted later.
  case Keep;

}
