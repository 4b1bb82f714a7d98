<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Connection;

/**
 * Address, site and key in one line, made by the server for pasting.
 *
 * The form is `drumbeat:` and the base64url, without padding, of the JSON
 * object {"v":1,"url":"https://…","site":"<uuid>","key":"dbt_site_…"}.
 */
final class ConnectionString {

  private const PREFIX = 'drumbeat:';

  private function __construct(
    public readonly string $serverUrl,
    public readonly string $siteId,
    public readonly SiteKey $key,
  ) {}

  /**
   * Reads one.
   *
   * @param string $text
   *   What was pasted. Line breaks and blanks from a mail program are ignored.
   * @param bool $allowHttp
   *   Whether the address may begin with http:// for hosts other than this one.
   *
   * @throws \Drupal\drumbeat\Connection\InvalidConnectionString
   *   When it is none; the exception says what is wrong and never holds it.
   */
  public static function parse(#[\SensitiveParameter] string $text, bool $allowHttp = FALSE): self {
    $text = preg_replace('/\s+/', '', $text) ?? '';
    if (!str_starts_with($text, self::PREFIX)) {
      throw new InvalidConnectionString(ConnectionFault::NotOne);
    }
    $encoded = substr($text, strlen(self::PREFIX));
    $json = strlen($encoded) <= 8192 ? base64_decode(strtr($encoded, '-_', '+/'), TRUE) : FALSE;
    $data = $json === FALSE ? NULL : json_decode($json, TRUE, 4);
    if (!is_array($data)) {
      throw new InvalidConnectionString(ConnectionFault::Incomplete);
    }
    if (($data['v'] ?? NULL) !== 1) {
      throw new InvalidConnectionString(ConnectionFault::OtherVersion);
    }
    $url = is_string($data['url'] ?? NULL) ? $data['url'] : '';
    $site = is_string($data['site'] ?? NULL) ? strtolower($data['site']) : '';
    $key = is_string($data['key'] ?? NULL) ? SiteKey::parse($data['key']) : NULL;
    if ($key === NULL || preg_match('/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/D', $site) !== 1) {
      throw new InvalidConnectionString(ConnectionFault::Incomplete);
    }
    $normal = ServerUrl::normalize($url, $allowHttp);
    if ($normal === NULL) {
      throw new InvalidConnectionString(ConnectionFault::BadAddress);
    }
    return new self($normal, $site, $key);
  }

  /**
   * Writes one: what the server does, and what tests need.
   */
  public static function format(string $serverUrl, string $siteId, SiteKey $key): string {
    $json = json_encode(['v' => 1, 'url' => $serverUrl, 'site' => $siteId, 'key' => $key->reveal()], JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES);
    return self::PREFIX . rtrim(strtr(base64_encode($json), '+/', '-_'), '=');
  }

}
