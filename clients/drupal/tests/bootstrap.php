<?php

/**
 * @file
 * Loads the module and the libraries of its unit tests, without Drupal.
 */

declare(strict_types=1);

$guzzle = getenv('DRUMBEAT_AUTOLOAD') ?: '/usr/share/php/GuzzleHttp/autoload.php';
foreach (array_filter([$guzzle, '/usr/share/php/Psr/Log/autoload.php'], 'is_file') as $file) {
  require_once $file;
}

spl_autoload_register(static function (string $class): void {
  foreach (['Drupal\\Tests\\drumbeat\\' => __DIR__ . '/src/', 'Drupal\\drumbeat\\' => dirname(__DIR__) . '/src/'] as $prefix => $dir) {
    if (str_starts_with($class, $prefix)) {
      $file = $dir . strtr(substr($class, strlen($prefix)), '\\', '/') . '.php';
      if (is_file($file)) {
        require $file;
      }
      return;
    }
  }
});
