<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Report;

use Drupal\drumbeat\ClockInterface;
use Drupal\drumbeat\Environment\EnvironmentDetector;
use Drupal\drumbeat\Inventory\ComposerPackage;
use Drupal\drumbeat\Inventory\Extension;
use Drupal\drumbeat\Inventory\Inventory;
use Drupal\drumbeat\Inventory\Text;
use Drupal\drumbeat\Options\OptionsSourceInterface;

/**
 * Writes reports as the server's contract wants them.
 */
final class ReportBuilder {

  public function __construct(
    private readonly SiteSourceInterface $site,
    private readonly EnvironmentDetector $environment,
    private readonly OptionsSourceInterface $options,
    private readonly ClockInterface $clock,
  ) {}

  /**
   * Writes one.
   *
   * @param \Drupal\drumbeat\Inventory\Inventory $inventory
   *   What the site has.
   * @param \Drupal\drumbeat\Report\Trigger $trigger
   *   Why it is sent.
   * @param bool $full
   *   FALSE to say only that nothing has changed.
   */
  public function build(Inventory $inventory, Trigger $trigger, bool $full): Report {
    $now = $this->clock->now();
    $id = UuidV7::make($now);
    $site = $this->site->site();
    $message = [
      'reportId' => $id,
      'collectedAt' => gmdate('Y-m-d\TH:i:s\Z', $now),
      'trigger' => $trigger->value,
      'agent' => ['name' => 'drumbeat', 'version' => Text::clean($this->site->agentVersion(), 64)],
      // As an object even where everything in it is empty.
      'site' => (object) array_filter([
        'id' => $this->options->options()->siteId,
        'url' => Text::clean($site->url, 2048),
        'name' => Text::clean($site->name, 255),
        'environment' => $this->environment->detect()->name,
      ], static fn (string $value): bool => $value !== ''),
      'inventoryHash' => $inventory->hash,
    ];
    if ($full) {
      $message['platform'] = $inventory->platform->toArray();
      $message['extensions'] = array_map(static fn (Extension $extension): array => $extension->toArray(), $inventory->extensions);
      if ($inventory->composerPackages !== []) {
        $message['composerPackages'] = array_map(static fn (ComposerPackage $package): array => $package->toArray(), $inventory->composerPackages);
      }
    }
    $json = json_encode($message, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE);
    return new Report($id, $full, $inventory->hash, $trigger, $now, $json);
  }

}
