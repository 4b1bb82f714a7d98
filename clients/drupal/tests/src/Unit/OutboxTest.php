<?php

declare(strict_types=1);

namespace Drupal\Tests\drumbeat\Unit;

use Drupal\drumbeat\Delivery\Outbox;
use Drupal\drumbeat\Delivery\Schedule;
use Drupal\drumbeat\Report\Report;
use Drupal\drumbeat\Report\Trigger;
use Drupal\drumbeat\Report\UuidV7;
use Drupal\Tests\drumbeat\Unit\Fake\ArrayStore;
use PHPUnit\Framework\Attributes\Group;
use PHPUnit\Framework\TestCase;

/**
 * What waits, for how long, and what has to go.
 *
 * @group drumbeat
 */
#[Group('drumbeat')]
final class OutboxTest extends TestCase {

  /**
   * Reports come out as they went in, oldest first.
   */
  public function testOrder(): void {
    $outbox = new Outbox(new ArrayStore());
    $first = self::report('a', TRUE);
    $outbox->add($first);
    $outbox->add(self::report('b', FALSE));
    self::assertEquals($first, $outbox->oldest());
    self::assertSame('b', $outbox->newestHash());
    self::assertSame('a', $outbox->newestFullHash());
    $outbox->remove($first->id);
    self::assertSame('b', $outbox->oldest()?->hash);
    self::assertNull($outbox->newestFullHash());
  }

  /**
   * At most fifty wait: heartbeats go first, the newest full one never.
   */
  public function testLimit(): void {
    $store = new ArrayStore();
    $outbox = new Outbox($store);
    $outbox->add(self::report('full', TRUE));
    for ($i = 0; $i < 200; $i++) {
      $outbox->add(self::report('beat' . $i, FALSE));
    }
    self::assertSame(Outbox::MAX_REPORTS, $outbox->count());
    self::assertSame('full', $outbox->oldest()?->hash);
    self::assertSame('beat199', $outbox->newestHash());
    self::assertCount(Outbox::MAX_REPORTS + 1, $store->values, 'no body is left behind');

    for ($i = 0; $i < 200; $i++) {
      $outbox->add(self::report('full' . $i, TRUE));
    }
    self::assertSame(Outbox::MAX_REPORTS, $outbox->count());
    self::assertSame('full199', $outbox->newestFullHash());
    self::assertSame('full150', $outbox->oldest()?->hash);
    $outbox->clear();
    self::assertSame([], $store->values);
  }

  /**
   * Huge reports have a limit in bytes as well.
   */
  public function testByteLimit(): void {
    $store = new ArrayStore();
    $outbox = new Outbox($store);
    for ($i = 0; $i < 6; $i++) {
      $outbox->add(self::report('big' . $i, TRUE, bin2hex(random_bytes(1000000))));
    }
    self::assertLessThan(Outbox::MAX_BYTES, array_sum(array_map('strlen', $store->values)));
    self::assertSame('big5', $outbox->newestFullHash());
    $outbox->add(self::report('giant', TRUE, bin2hex(random_bytes(4500000))));
    self::assertSame('giant', $outbox->newestFullHash(), 'the newest is kept whatever its size');
    self::assertSame(1, $outbox->count());
  }

  /**
   * A body that is gone is passed over.
   */
  public function testLostBody(): void {
    $store = new ArrayStore();
    $outbox = new Outbox($store);
    $lost = self::report('lost', TRUE);
    $outbox->add($lost);
    $outbox->add(self::report('kept', TRUE));
    unset($store->values['report.' . $lost->id]);
    self::assertSame('kept', $outbox->oldest()?->hash);
    self::assertSame(1, $outbox->count());
  }

  /**
   * A thousand sites spread over a tenth of the interval.
   */
  public function testJitter(): void {
    $waits = array_map(static fn (int $site): int => Schedule::next(1000, 3600, NULL, 'site' . $site) - 1000, range(1, 1000));
    self::assertGreaterThanOrEqual(3600, min($waits));
    self::assertLessThanOrEqual(3960, max($waits));
    self::assertGreaterThan(200, count(array_unique($waits)));
    self::assertSame(Schedule::next(1000, 3600, NULL, 'a'), Schedule::next(1000, 3600, NULL, 'a'));
  }

  /**
   * Ids are of version 7, carry the time, and do not repeat.
   */
  public function testUuid(): void {
    $ids = array_map(static fn (): string => UuidV7::make(1800000000), range(1, 1000));
    self::assertCount(1000, array_unique($ids));
    foreach ($ids as $id) {
      self::assertMatchesRegularExpression('/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/', $id);
      self::assertSame(1800000000, intdiv((int) hexdec(str_replace('-', '', substr($id, 0, 13))), 1000));
    }
  }

  /**
   * A report whose hash is its name.
   */
  private static function report(string $hash, bool $full, string $json = '{}'): Report {
    return new Report(UuidV7::make(1800000000), $full, $hash, Trigger::Cron, 1800000000, $json);
  }

}
