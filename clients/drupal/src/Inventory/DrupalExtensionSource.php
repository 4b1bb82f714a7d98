<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Inventory;

use Drupal\Core\Extension\ExtensionList;
use Drupal\Core\Extension\ModuleExtensionList;
use Drupal\Core\Extension\ProfileExtensionList;
use Drupal\Core\Extension\ThemeExtensionList;
use Symfony\Component\DependencyInjection\Attribute\Autowire;

/**
 * The extension lists of Drupal.
 *
 * The lists, not the info files and not the Update Manager: alter hooks fill
 * in the versions of checkouts, and the Update Manager leaves out everything
 * that is not a project of drupal.org.
 */
final class DrupalExtensionSource implements ExtensionSourceInterface {

  public function __construct(
    private readonly ModuleExtensionList $modules,
    private readonly ThemeExtensionList $themes,
    private readonly ProfileExtensionList $profiles,
    #[Autowire(param: 'install_profile')]
    private readonly string|false|null $installProfile,
  ) {}

  /**
   * {@inheritdoc}
   */
  public function extensions(bool $fresh): array {
    return array_merge(
      $this->read($this->modules, 'module', $fresh),
      $this->read($this->themes, 'theme', $fresh),
      $this->read($this->profiles, 'profile', $fresh),
    );
  }

  /**
   * Reads one of the lists.
   *
   * @return \Drupal\drumbeat\Inventory\Extension[]
   *   In the list's order.
   */
  private function read(ExtensionList $list, string $type, bool $fresh): array {
    if ($fresh) {
      $list->reset();
    }
    $extensions = [];
    foreach ($list->getList() as $name => $extension) {
      // The active profile is in the list of modules as well.
      if ($type === 'module' && $extension->getType() === 'profile') {
        continue;
      }
      $enabled = $type === 'profile' ? $name === $this->installProfile : !empty($extension->status);
      $info = is_array($extension->info ?? NULL) ? $extension->info : [];
      if ($type === 'profile' && $enabled) {
        // Drupal hides the active profile, but only in one of two lists and
        // only in one of two states of their caches.
        $info['hidden'] ??= TRUE;
      }
      $extensions[] = Extension::fromInfo((string) $name, $type, $enabled, $extension->getPath(), $info);
    }
    return array_values(array_filter($extensions));
  }

}
