<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Connection;

/**
 * Where to report to, as whom, and with which key.
 */
final class Connection {

  public function __construct(
    public readonly string $serverUrl,
    public readonly string $siteId,
    public readonly SiteKey $key,
    public readonly KeySource $keySource,
  ) {}

  /**
   * Tells server and site apart from others, whatever the key.
   *
   * What the server knows of this site, and the reports that wait for it,
   * belong to this.
   */
  public function target(): string {
    return substr(hash('sha256', $this->serverUrl . '|' . $this->siteId), 0, 16);
  }

  /**
   * Tells this connection with this key apart from others.
   */
  public function fingerprint(): string {
    return substr(hash('sha256', $this->target() . '|' . $this->key->reveal()), 0, 16);
  }

}
