<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Connection;

/**
 * Checks the address of a Drumbeat server.
 */
final class ServerUrl {

  /**
   * Brings an address into the form that is stored.
   *
   * @param string $url
   *   As a person or a connection string gave it.
   * @param bool $allowHttp
   *   Whether a key may go over the wire in clear. It always may to this
   *   machine itself.
   *
   * @return string|null
   *   Without a trailing slash; NULL when it is no such address.
   */
  public static function normalize(string $url, bool $allowHttp = FALSE): ?string {
    $url = rtrim(trim($url), '/');
    $parts = parse_url($url);
    if ($parts === FALSE || strlen($url) > 2048 || preg_match('/[\x00-\x20\x7F<>"\\\\]/', $url) === 1) {
      return NULL;
    }
    $scheme = strtolower($parts['scheme'] ?? '');
    $host = strtolower($parts['host'] ?? '');
    if ($host === '' || isset($parts['user']) || isset($parts['pass']) || isset($parts['query']) || isset($parts['fragment'])) {
      return NULL;
    }
    if ($scheme !== 'https' && !($scheme === 'http' && ($allowHttp || self::isLocal($host)))) {
      return NULL;
    }
    return $url;
  }

  /**
   * Whether a host is this machine.
   */
  private static function isLocal(string $host): bool {
    return $host === 'localhost' || $host === '[::1]' || str_ends_with($host, '.localhost')
      || (str_starts_with($host, '127.') && filter_var($host, FILTER_VALIDATE_IP, FILTER_FLAG_IPV4) !== FALSE);
  }

}
