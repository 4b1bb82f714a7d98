<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Inventory;

/**
 * Makes text from info files fit for the wire.
 *
 * Info files are written by anyone: a name can be an array, carry control
 * characters or bytes that are no UTF-8. One such name must not cost the whole
 * report.
 */
final class Text {

  /**
   * Valid UTF-8 without control characters, of a bounded length.
   *
   * @param mixed $value
   *   Anything an info file may hold; what is no text becomes an empty string.
   * @param int $max
   *   The most characters, counted as code points.
   */
  public static function clean(mixed $value, int $max): string {
    if (!is_scalar($value) && !$value instanceof \Stringable) {
      return '';
    }
    $text = mb_scrub((string) $value, 'UTF-8');
    // Line breaks and tabs become spaces; other controls, DEL and the marks
    // that reorder text on a screen are left out.
    $text = preg_replace('/[\t\n\v\f\r\x{85}\x{2028}\x{2029}]+/u', ' ', $text) ?? '';
    $text = preg_replace('/[\x{00}-\x{1F}\x{7F}-\x{9F}\x{202A}-\x{202E}\x{2066}-\x{2069}]/u', '', $text) ?? '';
    return mb_substr(trim($text), 0, $max, 'UTF-8');
  }

  /**
   * As clean(), but NULL stays NULL: absent and empty are different.
   */
  public static function cleanOrNull(mixed $value, int $max): ?string {
    return $value === NULL ? NULL : self::clean($value, $max);
  }

  /**
   * Unix seconds as the contract takes them; 0 when there are none.
   */
  public static function timestamp(mixed $value): int {
    $number = is_numeric($value) ? (float) $value : 0.0;
    return $number > 0 && $number <= 253402300799 ? (int) $number : 0;
  }

}
