<?php

declare(strict_types=1);

namespace Drupal\Tests\drumbeat\Unit\Fake;

use Drupal\drumbeat\Connection\KeyProviderInterface;
use Drupal\drumbeat\Connection\KeySource;

/**
 * A place for a key.
 */
final class Keys implements KeyProviderInterface {

  public function __construct(
    public ?string $text = FakeSite::KEY,
    public KeySource $source = KeySource::Environment,
  ) {}

  /**
   * {@inheritdoc}
   */
  public function source(): KeySource {
    return $this->source;
  }

  /**
   * {@inheritdoc}
   */
  public function text(): ?string {
    return $this->text;
  }

}
