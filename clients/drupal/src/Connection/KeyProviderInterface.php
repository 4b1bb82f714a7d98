<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Connection;

/**
 * A place where the site key may be.
 */
interface KeyProviderInterface {

  /**
   * Names the place, for status pages.
   */
  public function source(): KeySource;

  /**
   * The text found there; NULL when there is none.
   */
  public function text(): ?string;

}
