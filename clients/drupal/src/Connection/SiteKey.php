<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Connection;

/**
 * The key a site reports with: `dbt_site_`, 30 characters and a checksum of 6.
 *
 * It does not print, dump or serialize itself; reveal() gives the text.
 */
final class SiteKey {

  private const PREFIX = 'dbt_site_';
  private const LENGTH = 45;
  private const CHECK_CHARS = 6;
  private const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

  private function __construct(#[\SensitiveParameter] private readonly string $text) {}

  /**
   * Reads a key from its text.
   *
   * @return self|null
   *   NULL when the text is no site key: a wrong length, or a typing error that
   *   the checksum shows.
   */
  public static function parse(#[\SensitiveParameter] string $text): ?self {
    $text = trim($text);
    if (strlen($text) !== self::LENGTH || preg_match('/^' . self::PREFIX . '[0-9A-Za-z]+$/D', $text) !== 1) {
      return NULL;
    }
    $body = substr($text, 0, -self::CHECK_CHARS);
    return hash_equals(self::checksum($body), substr($text, -self::CHECK_CHARS)) ? new self($text) : NULL;
  }

  /**
   * The text of the key, for the one header that carries it.
   */
  public function reveal(): string {
    return $this->text;
  }

  /**
   * The prefix and the last four characters, to tell keys apart.
   */
  public function hint(): string {
    return self::PREFIX . '…' . substr($this->text, -4);
  }

  /**
   * Takes keys out of a text that will be stored, logged or shown.
   */
  public static function redact(#[\SensitiveParameter] string $text): string {
    return preg_replace('/dbt_[a-z]+_[0-9A-Za-z]{4,}|drumbeat:[0-9A-Za-z_-]{16,}/', '(a secret)', $text) ?? '';
  }

  /**
   * The hint: a key that is printed by accident stays secret.
   */
  public function __toString(): string {
    return $this->hint();
  }

  /**
   * The hint, for var_dump().
   *
   * @return array<string, string>
   *   What a dump may show.
   */
  public function __debugInfo(): array {
    return ['hint' => $this->hint()];
  }

  /**
   * Refuses: a serialized key would end in a cache or a queue.
   *
   * @return array<string, mixed>
   *   Never.
   */
  public function __serialize(): array {
    throw new \LogicException('A site key is not serialized.');
  }

  /**
   * CRC-32 in base62, most significant digit first.
   */
  private static function checksum(#[\SensitiveParameter] string $body): string {
    $number = crc32($body);
    $out = '';
    for ($i = 0; $i < self::CHECK_CHARS; $i++) {
      $out = self::ALPHABET[$number % 62] . $out;
      $number = intdiv($number, 62);
    }
    return $out;
  }

}
