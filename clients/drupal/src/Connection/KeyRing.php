<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Connection;

/**
 * Looks for the site key in one place after the other.
 */
final class KeyRing {

  /**
   * Takes the places, the one that wins first.
   *
   * @param \Drupal\drumbeat\Connection\KeyProviderInterface[] $providers
   *   The places.
   */
  public function __construct(private readonly array $providers) {}

  /**
   * The first key there is.
   */
  public function find(): FoundKey {
    foreach ($this->providers as $provider) {
      $text = $provider->text();
      if ($text !== NULL) {
        // A key that cannot be read hides those behind it: silently taking
        // another would report for another site.
        return new FoundKey($provider->source(), SiteKey::parse($text));
      }
    }
    return new FoundKey(NULL, NULL);
  }

}
