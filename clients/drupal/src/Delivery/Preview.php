<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

use Drupal\drumbeat\Inventory\InventoryCollector;
use Drupal\drumbeat\Report\Report;
use Drupal\drumbeat\Report\ReportBuilder;
use Drupal\drumbeat\Report\Trigger;
use Drupal\drumbeat\State\StoreInterface;

/**
 * Shows the next report without sending or keeping it.
 */
final class Preview {

  public function __construct(
    private readonly InventoryCollector $collector,
    private readonly ReportBuilder $builder,
    private readonly Outbox $outbox,
    private readonly StoreInterface $store,
  ) {}

  /**
   * The report that would be built now.
   *
   * Only its id and time are others when it is.
   *
   * @param bool $full
   *   TRUE for one with lists even where a heartbeat would do.
   */
  public function next(bool $full = FALSE): Report {
    $state = DeliveryState::load($this->store);
    $inventory = $this->collector->collect(TRUE);
    $known = $this->outbox->newestFullHash() ?? $state->acceptedHash;
    return $this->builder->build($inventory, Trigger::Cron, $full || $state->fullReportNeeded || $inventory->hash !== $known);
  }

}
