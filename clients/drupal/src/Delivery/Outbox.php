<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

use Drupal\drumbeat\Report\Report;
use Drupal\drumbeat\Report\Trigger;
use Drupal\drumbeat\State\StoreInterface;

/**
 * The reports that wait to be sent, oldest first.
 *
 * A report is in here before it is sent for the first time, so that it keeps
 * its id when the process dies with the answer still on the way.
 */
final class Outbox {

  /**
   * The most reports that wait.
   */
  public const MAX_REPORTS = 50;

  /**
   * The most bytes that wait, compressed or not.
   */
  public const MAX_BYTES = 4194304;

  private const INDEX = 'outbox';

  public function __construct(private readonly StoreInterface $store) {}

  /**
   * Adds the newest report, and drops others when there are too many.
   *
   * @return int
   *   How many others were dropped.
   */
  public function add(Report $report): int {
    $packed = function_exists('gzdeflate') ? gzdeflate($report->json, 6) : FALSE;
    $body = $packed === FALSE ? $report->json : $packed;
    $this->store->set($this->name($report->id), ['packed' => $packed !== FALSE, 'body' => $body]);
    $index = $this->index();
    $index[] = [
      'id' => $report->id,
      'full' => $report->full,
      'hash' => $report->hash,
      'trigger' => $report->trigger->value,
      'collected' => $report->collectedAt,
      'bytes' => strlen($body),
    ];
    $dropped = [];
    while (count($index) > 1 && (count($index) > self::MAX_REPORTS || array_sum(array_column($index, 'bytes')) > self::MAX_BYTES)) {
      $victim = $this->victim($index);
      if ($victim === NULL) {
        break;
      }
      $dropped[] = $this->name($index[$victim]['id']);
      array_splice($index, $victim, 1);
    }
    $this->store->set(self::INDEX, $index);
    if ($dropped !== []) {
      $this->store->delete(...$dropped);
    }
    return count($dropped);
  }

  /**
   * The report that has waited longest.
   */
  public function oldest(): ?Report {
    foreach ($this->index() as $entry) {
      $stored = $this->store->get($this->name($entry['id']));
      $json = is_array($stored) && is_string($stored['body'] ?? NULL) ? $stored['body'] : '';
      if ($json !== '' && !empty($stored['packed'])) {
        $json = (string) gzinflate($json);
      }
      if ($json !== '') {
        return new Report($entry['id'], $entry['full'], $entry['hash'], Trigger::tryFrom($entry['trigger']) ?? Trigger::Cron, $entry['collected'], $json);
      }
      // Its body is lost; nothing can be done but to go on.
      $this->remove($entry['id']);
    }
    return NULL;
  }

  /**
   * The inventory's hash of the newest report that waits; NULL when none does.
   */
  public function newestHash(): ?string {
    $index = $this->index();
    return $index === [] ? NULL : $index[array_key_last($index)]['hash'];
  }

  /**
   * Why the newest report that waits was made; NULL when none does.
   */
  public function newestTrigger(): ?Trigger {
    $index = $this->index();
    return $index === [] ? NULL : Trigger::tryFrom($index[array_key_last($index)]['trigger']);
  }

  /**
   * The inventory's hash of the newest full report that waits.
   */
  public function newestFullHash(): ?string {
    foreach (array_reverse($this->index()) as $entry) {
      if ($entry['full']) {
        return $entry['hash'];
      }
    }
    return NULL;
  }

  /**
   * How many wait.
   */
  public function count(): int {
    return count($this->index());
  }

  /**
   * Takes a report out.
   */
  public function remove(string $id): void {
    $this->store->set(self::INDEX, array_values(array_filter($this->index(), static fn (array $entry): bool => $entry['id'] !== $id)));
    $this->store->delete($this->name($id));
  }

  /**
   * Takes all reports out.
   */
  public function clear(): void {
    $names = array_map(fn (array $entry): string => $this->name($entry['id']), $this->index());
    $this->store->delete(self::INDEX, ...$names);
  }

  /**
   * Which report to drop: the oldest heartbeat, else the oldest full one.
   *
   * Never the last, and never the newest that is full.
   *
   * @return int|null
   *   Its place in the index; NULL when none may go.
   */
  private function victim(array $index): ?int {
    $last = array_key_last($index);
    $newestFull = NULL;
    foreach ($index as $place => $entry) {
      if ($entry['full']) {
        $newestFull = $place;
      }
    }
    foreach ([FALSE, TRUE] as $full) {
      foreach ($index as $place => $entry) {
        if ($entry['full'] === $full && $place !== $newestFull && $place !== $last) {
          return $place;
        }
      }
    }
    return NULL;
  }

  /**
   * The list of what waits.
   *
   * @return array<int, array{id: string, full: bool, hash: string, trigger: string, collected: int, bytes: int}>
   *   Oldest first.
   */
  private function index(): array {
    $index = $this->store->get(self::INDEX);
    return is_array($index) ? array_values($index) : [];
  }

  /**
   * The name under which a report's body is stored.
   */
  private function name(string $id): string {
    return 'report.' . $id;
  }

}
