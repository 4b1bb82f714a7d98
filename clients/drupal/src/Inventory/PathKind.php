<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Inventory;

/**
 * Where an extension lies, without saying the path itself.
 */
final class PathKind {

  /**
   * Tells the kind of a path below the Drupal root.
   *
   * @return string
   *   One of core, contrib, custom and profile; empty when it cannot be told.
   */
  public static function of(string $path, string $type): string {
    $path = trim(strtr($path, '\\', '/'), '/');
    if ($path === 'core' || str_starts_with($path, 'core/')) {
      return 'core';
    }
    $segments = explode('/', $path);
    $profiles = array_search('profiles', $segments, TRUE);
    if ($profiles !== FALSE && $type !== 'profile') {
      return 'profile';
    }
    foreach ($segments as $segment) {
      if ($segment === 'contrib' || $segment === 'custom') {
        return $segment;
      }
    }
    return $profiles === FALSE ? '' : 'profile';
  }

}
