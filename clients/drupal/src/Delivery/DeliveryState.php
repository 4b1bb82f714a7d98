<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

use Drupal\drumbeat\State\StoreInterface;

/**
 * What the module remembers of sending.
 *
 * All times are Unix seconds of the site's clock; 0 means never.
 */
final class DeliveryState {

  private const NAME = 'delivery';

  /**
   * Server and site that all of this is about.
   */
  public string $target = '';

  /**
   * When the next report is due.
   */
  public int $nextDue = 0;

  /**
   * Hash of the code in the newest report that was built.
   */
  public string $builtCodeHash = '';

  /**
   * When that was.
   */
  public int $builtAt = 0;

  /**
   * The inventory that the server knows.
   */
  public string $acceptedHash = '';

  /**
   * When a report was last accepted.
   */
  public int $acceptedAt = 0;

  /**
   * Why that report was sent.
   */
  public string $acceptedTrigger = '';

  /**
   * Its size, before compression.
   */
  public int $acceptedBytes = 0;

  /**
   * How long the server took, in milliseconds.
   */
  public int $acceptedMillis = 0;

  /**
   * Whether the server asked for a report with lists.
   */
  public bool $fullReportNeeded = FALSE;

  /**
   * What the server asked for between two reports, in seconds; 0 for nothing.
   */
  public int $serverInterval = 0;

  /**
   * How often sending failed in a row.
   */
  public int $failures = 0;

  /**
   * Until when to wait because of failures.
   */
  public int $backoffUntil = 0;

  /**
   * Until when to wait because the server said so.
   */
  public int $retryAfterUntil = 0;

  /**
   * The connection with which nothing more is sent; empty when it may.
   */
  public string $stoppedFor = '';

  /**
   * The last thing that went wrong, until something goes right again.
   */
  public ?Notice $error = NULL;

  /**
   * When that was.
   */
  public int $errorAt = 0;

  /**
   * The last report that the server would not have; stays for a person to see.
   */
  public ?Notice $dropped = NULL;

  /**
   * When that was.
   */
  public int $droppedAt = 0;

  /**
   * How far this clock is ahead of the server's, in seconds; NULL if unknown.
   */
  public ?int $skew = NULL;

  /**
   * What made a report wanted since the last one.
   */
  public string $pendingTrigger = '';

  /**
   * Reads it.
   */
  public static function load(StoreInterface $store): self {
    $state = new self();
    $data = $store->get(self::NAME);
    foreach (is_array($data) ? $data : [] as $name => $value) {
      if ($name === 'error' || $name === 'dropped') {
        $state->$name = Notice::fromArray($value);
      }
      elseif ($name === 'skew') {
        $state->skew = is_int($value) ? $value : NULL;
      }
      elseif (property_exists($state, $name) && get_debug_type($state->$name) === get_debug_type($value)) {
        $state->$name = $value;
      }
    }
    return $state;
  }

  /**
   * Writes it.
   */
  public function save(StoreInterface $store): void {
    $data = get_object_vars($this);
    $data['error'] = $this->error?->toArray();
    $data['dropped'] = $this->dropped?->toArray();
    $store->set(self::NAME, $data);
  }

}
