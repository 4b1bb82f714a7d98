<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

use Drupal\drumbeat\Connection\SiteKey;

/**
 * Posts JSON to the server.
 */
interface TransportInterface {

  /**
   * Posts once, follows no redirect, and tries nothing again.
   *
   * @param string $url
   *   Where to.
   * @param \Drupal\drumbeat\Connection\SiteKey $key
   *   For the Authorization header.
   * @param string $json
   *   The body.
   * @param float $timeout
   *   The most seconds it may take in all.
   *
   * @throws \Drupal\drumbeat\Delivery\TransportFailure
   *   When no answer came.
   */
  public function post(string $url, SiteKey $key, string $json, float $timeout): Answer;

}
