<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Connection;

/**
 * What is wrong with a connection string.
 */
enum ConnectionFault {

  case NotOne;
  case Incomplete;
  case OtherVersion;
  case BadAddress;

}
