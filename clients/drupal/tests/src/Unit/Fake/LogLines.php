<?php

declare(strict_types=1);

namespace Drupal\Tests\drumbeat\Unit\Fake;

use Psr\Log\AbstractLogger;

/**
 * Keeps what is logged.
 */
final class LogLines extends AbstractLogger {

  /**
   * The lines, with their placeholders filled in.
   *
   * @var string[]
   */
  public array $lines = [];

  /**
   * {@inheritdoc}
   */
  public function log($level, $message, array $context = []): void {
    $this->lines[] = $level . ': ' . strtr((string) $message, array_map('strval', $context));
  }

}
