<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Report;

/**
 * Makes UUIDs of version 7, which sort by time.
 */
final class UuidV7 {

  /**
   * Makes one.
   *
   * @param int $seconds
   *   The time it carries, Unix seconds.
   */
  public static function make(int $seconds): string {
    $bytes = substr(pack('J', max(0, $seconds) * 1000 + random_int(0, 999)), 2) . random_bytes(10);
    $bytes[6] = chr((ord($bytes[6]) & 0x0F) | 0x70);
    $bytes[8] = chr((ord($bytes[8]) & 0x3F) | 0x80);
    return implode('-', [
      bin2hex(substr($bytes, 0, 4)),
      bin2hex(substr($bytes, 4, 2)),
      bin2hex(substr($bytes, 6, 2)),
      bin2hex(substr($bytes, 8, 2)),
      bin2hex(substr($bytes, 10)),
    ]);
  }

}
