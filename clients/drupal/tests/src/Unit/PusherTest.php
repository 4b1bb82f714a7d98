<?php

declare(strict_types=1);

namespace Drupal\Tests\drumbeat\Unit;

use Drupal\drumbeat\Delivery\Outbox;
use Drupal\drumbeat\Delivery\Pusher;
use Drupal\drumbeat\Delivery\Reason;
use Drupal\drumbeat\Options\Options;
use Drupal\drumbeat\Report\Trigger;
use Drupal\Tests\drumbeat\Unit\Fake\FakeSite;
use Drupal\Tests\drumbeat\Unit\Fake\Harness;
use GuzzleHttp\Exception\ConnectException;
use GuzzleHttp\Psr7\Request;
use GuzzleHttp\Psr7\Response;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\Group;
use PHPUnit\Framework\TestCase;

/**
 * When the module reports, and what it does with each answer.
 *
 * @group drumbeat
 */
#[Group('drumbeat')]
final class PusherTest extends TestCase {

  /**
   * The first cron run sends everything there is.
   */
  public function testFirstReportIsFull(): void {
    $h = new Harness();
    $h->accept();
    self::assertTrue($h->pusher->push(Trigger::Cron)->isSuccess());

    $request = $h->history[0]['request'];
    self::assertSame('https://drumbeat.example/drumbeat.ingest.v1.IngestService/SubmitReport', (string) $request->getUri());
    self::assertSame('Bearer ' . FakeSite::KEY, $request->getHeaderLine('Authorization'));
    self::assertSame('application/json', $request->getHeaderLine('Content-Type'));
    $options = $h->history[0]['options'];
    self::assertSame([3.0, 10.0, FALSE, FALSE], [$options['connect_timeout'], $options['timeout'], $options['allow_redirects'], $options['http_errors']]);

    $message = $h->sent()[0];
    self::assertMatchesRegularExpression('/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/', $message['reportId']);
    self::assertSame([
      'collectedAt' => '2027-01-15T08:00:00Z',
      'trigger' => 'cron',
      'agent' => ['name' => 'drumbeat', 'version' => '1.0.0'],
      'site' => ['id' => FakeSite::SITE_ID, 'url' => 'https://village.example', 'name' => 'Village', 'environment' => 'production'],
    ], array_intersect_key($message, array_flip(['collectedAt', 'trigger', 'agent', 'site'])));
    self::assertSame([[
      'name' => 'token',
      'type' => 'module',
      'enabled' => TRUE,
      'project' => 'token',
      'version' => '8.x-1.15',
      'title' => 'Token',
      'pathKind' => 'contrib',
    ]], $message['extensions']);
    self::assertSame(['drupalVersion' => '10.4.2', 'phpVersion' => '8.2.36', 'phpSapi' => 'cli', 'dbDriver' => 'mysql', 'dbVersion' => '10.11.19-MariaDB', 'profile' => 'minimal'], $message['platform']);
  }

  /**
   * Cron keeps quiet until the interval and the jitter are over.
   */
  public function testCronObeysTheInterval(): void {
    $h = new Harness();
    $h->accept(['nextReportIn' => '7200s']);
    $h->pusher->push(Trigger::Cron);
    self::assertGreaterThanOrEqual(7200, $h->state()->nextDue - $h->clock->now);

    $h->clock->now = $h->state()->nextDue - 1;
    self::assertSame(Reason::NotDue, $h->pusher->push(Trigger::Cron)->notice->reason);
    self::assertCount(1, $h->history);
    self::assertSame(1, $h->site->scans, 'the disk is not scanned while nothing is due');

    $h->accept();
    $h->clock->now++;
    self::assertTrue($h->pusher->push(Trigger::Cron)->isSuccess());
    self::assertCount(2, $h->history);
  }

  /**
   * The server can make the interval longer, never shorter than the site's.
   *
   * @dataProvider intervals
   */
  #[DataProvider('intervals')]
  public function testServerOnlyLengthensTheInterval(string $asked, int $atLeast, int $atMost): void {
    $h = new Harness();
    $h->server->append(static fn ($request): Response => new Response(200, [], (string) json_encode(['reportId' => Harness::decode($request)['reportId'], 'nextReportIn' => $asked])));
    $h->pusher->push(Trigger::Cron);
    $wait = $h->state()->nextDue - $h->clock->now;
    self::assertGreaterThanOrEqual($atLeast, $wait);
    self::assertLessThanOrEqual($atMost, $wait);
  }

  /**
   * Cases for testServerOnlyLengthensTheInterval().
   */
  public static function intervals(): array {
    return [
      'two hours are obeyed' => ['7200s', 7200, 7920],
      'fractions are cut' => ['7200.500s', 7200, 7920],
      'a minute is too short' => ['60s', 3600, 3960],
      'a year is a week' => ['31536000s', 604800, 665280],
      'nonsense is ignored' => ['soon', 3600, 3960],
      'a negative time is ignored' => ['-5s', 3600, 3960],
    ];
  }

  /**
   * Nothing changed: a heartbeat without lists, by the hash the server knows.
   */
  public function testUnchangedSiteSendsHeartbeat(): void {
    $h = new Harness();
    $h->accept();
    $h->accept();
    $h->pusher->push(Trigger::Cron);
    $h->clock->now += 4000;
    $h->pusher->push(Trigger::Cron);
    [$full, $heartbeat] = $h->sent();
    self::assertSame($full['inventoryHash'], $heartbeat['inventoryHash']);
    self::assertArrayNotHasKey('extensions', $heartbeat);
    self::assertArrayNotHasKey('platform', $heartbeat);
    self::assertNotSame($full['reportId'], $heartbeat['reportId']);
  }

  /**
   * A server that lost its memory gets the lists at once, and once.
   */
  public function testFullReportNeededIsSentAtOnce(): void {
    $h = new Harness();
    $h->accept();
    $h->pusher->push(Trigger::Cron);
    $h->clock->now += 4000;
    $h->accept(['fullReportNeeded' => TRUE]);
    $h->accept(['fullReportNeeded' => TRUE]);
    $outcome = $h->pusher->push(Trigger::Cron);
    self::assertSame(2, $outcome->sent);
    $sent = $h->sent();
    self::assertCount(3, $sent);
    self::assertArrayNotHasKey('extensions', $sent[1]);
    self::assertArrayHasKey('extensions', $sent[2]);
    self::assertTrue($h->state()->fullReportNeeded, 'and again at the next due time');
  }

  /**
   * A deployment that nobody announced is seen by the next cron.
   */
  public function testChangeIsReportedBeforeItIsDue(): void {
    $h = new Harness();
    $h->accept();
    $h->pusher->push(Trigger::Cron);
    $h->site->extensions = [FakeSite::module('token', '8.x-1.17')];
    $h->accept();
    $h->clock->now += 120;
    self::assertTrue($h->pusher->push(Trigger::Cron)->isSuccess());
    self::assertSame('8.x-1.17', $h->sent()[1]['extensions'][0]['version']);
  }

  /**
   * Cron in the web and cron on the command line in turn are no change.
   */
  public function testOtherSapiIsNoChange(): void {
    $h = new Harness();
    $h->accept();
    $h->pusher->push(Trigger::Cron);
    $h->site->sapi = 'fpm-fcgi';
    $h->clock->now += 120;
    self::assertSame(Reason::NotDue, $h->pusher->push(Trigger::Cron)->notice->reason);
  }

  /**
   * After an update it reports at once; twice in a row is once.
   */
  public function testUpdateIsReportedAtOnce(): void {
    $h = new Harness();
    $h->accept();
    $h->pusher->push(Trigger::Cron);
    $h->site->extensions = [FakeSite::module('token', '8.x-1.17')];
    $h->accept();
    $h->clock->now += 5;
    self::assertTrue($h->pusher->push(Trigger::PostUpdate)->isSuccess());
    self::assertSame('post-update', $h->sent()[1]['trigger']);
    $h->clock->now += 5;
    self::assertSame(Reason::NotDue, $h->pusher->push(Trigger::PostUpdate)->notice->reason);
    self::assertCount(2, $h->history);
  }

  /**
   * What an installation could not report itself, cron does in its name.
   */
  public function testWantedReportIsMadeByCron(): void {
    $h = new Harness();
    $h->accept();
    $h->pusher->push(Trigger::Cron);
    $h->clock->now += 600;
    $h->pusher->want(Trigger::Install);
    $h->accept();
    $h->pusher->push(Trigger::Cron);
    self::assertSame('install', $h->sent()[1]['trigger']);
    self::assertSame('', $h->state()->pendingTrigger);
  }

  /**
   * Each answer, and what becomes of the report.
   *
   * @dataProvider answers
   */
  #[DataProvider('answers')]
  public function testAnswer(Response|\Throwable $answer, Reason $reason, string $fate): void {
    $h = new Harness();
    $h->server->append($answer);
    $outcome = $h->pusher->push(Trigger::Cron);
    self::assertSame($reason, $outcome->notice->reason);
    self::assertCount(1, $h->history, 'nothing is tried again within a run');
    self::assertSame($fate === 'drop' ? 0 : 1, $h->outbox->count());
    self::assertSame($fate === 'stop', $h->state()->stoppedFor !== '');
    self::assertSame($fate === 'drop', $h->state()->dropped !== NULL);
    self::assertStringNotContainsString('dbt_site_', implode("\n", $h->log->lines) . implode("\n", $h->store->values));

    // An hour and a half later, with a server that is well again.
    $id = $h->sent()[0]['reportId'];
    $h->accept();
    $h->accept();
    $h->clock->now += 5400;
    $h->pusher->push(Trigger::Cron);
    if ($fate === 'stop') {
      self::assertCount(1, $h->history);
      self::assertSame(Reason::Stopped, $h->pusher->push(Trigger::Cron)->notice->reason);
    }
    elseif ($fate === 'keep') {
      self::assertSame($id, $h->sent()[1]['reportId'], 'the report arrives later, under its own id');
      self::assertSame(0, $h->outbox->count());
      self::assertNull($h->state()->error);
    }
    else {
      self::assertNotSame($id, $h->sent()[1]['reportId']);
    }
  }

  /**
   * Cases for testAnswer().
   */
  public static function answers(): array {
    $json = static fn (int $status, string $code, array $headers = []): Response => new Response($status, $headers, (string) json_encode(['code' => $code, 'message' => 'extensions[3].name: too long dbt_site_A1b2C3d4E5A1b2C3d4E5A1b2C3d4E54MOn04']));
    $failure = static fn (int $errno): ConnectException => new ConnectException('cURL error ' . $errno, new Request('POST', 'https://drumbeat.example/'), NULL, ['errno' => $errno, 'error' => 'it failed']);
    return [
      '400 drops' => [$json(400, 'invalid_argument'), Reason::Dropped, 'drop'],
      '413 drops' => [$json(413, 'resource_exhausted'), Reason::Dropped, 'drop'],
      '413 of a proxy drops as well' => [new Response(413, [], '<html>'), Reason::Dropped, 'drop'],
      '415 drops' => [$json(415, 'invalid_argument'), Reason::Dropped, 'drop'],
      '422 drops' => [$json(422, 'invalid_argument'), Reason::Dropped, 'drop'],
      '401 stops' => [$json(401, 'unauthenticated'), Reason::KeyRefused, 'stop'],
      '403 stops' => [$json(403, 'permission_denied'), Reason::KeyRefused, 'stop'],
      '404 stops' => [$json(404, 'not_found'), Reason::Gone, 'stop'],
      '410 stops' => [$json(410, 'not_found'), Reason::Gone, 'stop'],
      '429 keeps' => [$json(429, 'resource_exhausted', ['Retry-After' => '60']), Reason::TooMany, 'keep'],
      '503 keeps' => [$json(503, 'unavailable', ['Retry-After' => '120']), Reason::Unavailable, 'keep'],
      '503 without a word keeps' => [new Response(503), Reason::Unavailable, 'keep'],
      '500 keeps' => [$json(500, 'internal'), Reason::ServerError, 'keep'],
      '502 of a proxy keeps' => [new Response(502, [], '<html>Bad gateway</html>'), Reason::ServerError, 'keep'],
      '409 aborted keeps' => [$json(409, 'aborted'), Reason::ServerError, 'keep'],
      '409 already exists drops' => [$json(409, 'already_exists'), Reason::Dropped, 'drop'],
      "a firewall's 403 keeps" => [new Response(403, ['Content-Type' => 'text/html'], '<html>Are you human?</html>'), Reason::NotDrumbeat, 'keep'],
      "a parking page's 404 keeps" => [new Response(404, [], 'nothing here'), Reason::NotDrumbeat, 'keep'],
      'HTML instead of JSON keeps' => [new Response(200, ['Content-Type' => 'text/html'], '<html>Welcome</html>'), Reason::NotDrumbeat, 'keep'],
      'an empty 200 keeps' => [new Response(200), Reason::NotDrumbeat, 'keep'],
      "another report's id keeps" => [new Response(200, [], '{"reportId":"00000000-0000-7000-8000-000000000000"}'), Reason::NotDrumbeat, 'keep'],
      'JSON that is no object keeps' => [new Response(200, [], '[[["x"]]]'), Reason::NotDrumbeat, 'keep'],
      'a redirect is not followed' => [new Response(301, ['Location' => 'https://elsewhere.example/?token=x']), Reason::Redirect, 'keep'],
      'a time-out keeps' => [$failure(28), Reason::Timeout, 'keep'],
      'a refused connection keeps' => [$failure(7), Reason::NoConnection, 'keep'],
      'an unknown host keeps' => [$failure(6), Reason::UnknownHost, 'keep'],
      'a wrong certificate keeps' => [$failure(60), Reason::Certificate, 'keep'],
      'an endless answer keeps' => [$failure(23), Reason::NotDrumbeat, 'keep'],
    ];
  }

  /**
   * An answer is read to its limit, not to its end.
   */
  public function testLongAnswerIsCut(): void {
    $h = new Harness();
    $h->server->append(new Response(200, [], str_repeat(' ', 10000000)));
    $before = memory_get_usage();
    self::assertSame(Reason::NotDrumbeat, $h->pusher->push(Trigger::Cron)->notice->reason);
    self::assertLessThan(13000000, memory_get_usage() - $before);
  }

  /**
   * Retry-After is obeyed to the second, by people as well.
   *
   * @dataProvider retryAfters
   */
  #[DataProvider('retryAfters')]
  public function testRetryAfter(string $header, int $seconds): void {
    $h = new Harness();
    $h->refuse(429, 'resource_exhausted', 'slow down', ['Retry-After' => $header]);
    $h->pusher->push(Trigger::Cron);
    $h->clock->now += $seconds - 1;
    foreach ([Trigger::Cron, Trigger::PostUpdate, Trigger::Manual] as $trigger) {
      self::assertSame(Reason::Waiting, $h->pusher->push($trigger)->notice->reason);
    }
    self::assertCount(1, $h->history);
    $h->clock->now++;
    $h->accept();
    $h->accept();
    self::assertTrue($h->pusher->push(Trigger::Cron)->isSuccess());
  }

  /**
   * Cases for testRetryAfter().
   */
  public static function retryAfters(): array {
    return [
      'seconds' => ['90', 90],
      'a date' => [gmdate('D, d M Y H:i:s', 1800000300) . ' GMT', 300],
      'zero is a second' => ['0', 1],
      'a year is a day' => ['31536000', 86400],
    ];
  }

  /**
   * Failures are spaced out; a person need not wait for that.
   */
  public function testBackoffGrowsAndManualPassesIt(): void {
    $h = new Harness();
    $waits = [];
    for ($i = 0; $i < 12; $i++) {
      $h->server->append(new Response(502));
      $h->pusher->push(Trigger::Cron);
      $waits[] = $h->state()->backoffUntil - $h->clock->now;
      $h->clock->now = $h->state()->backoffUntil - 1;
      self::assertSame(Reason::Waiting, $h->pusher->push(Trigger::Cron)->notice->reason);
      $h->clock->now++;
    }
    self::assertGreaterThanOrEqual(30, $waits[0]);
    self::assertLessThanOrEqual(60, $waits[0]);
    self::assertGreaterThanOrEqual(10800, $waits[11]);
    self::assertLessThanOrEqual(21600, $waits[11]);
    self::assertCount(1, array_unique(array_column($h->sent(), 'reportId')), 'one report waited all the time');

    $h->server->append(new Response(502));
    $h->pusher->push(Trigger::Cron);
    $h->accept();
    $h->accept();
    self::assertTrue($h->pusher->push(Trigger::Manual)->isSuccess());
    self::assertSame(0, $h->state()->failures);
  }

  /**
   * After 401 a new key is tried at once, the old one by a person only.
   */
  public function testStopIsForOneConnection(): void {
    $h = new Harness();
    $h->refuse(401, 'unauthenticated', 'this key was revoked');
    $h->pusher->push(Trigger::Cron);
    $h->clock->now += 999999;
    self::assertSame(Reason::Stopped, $h->pusher->push(Trigger::PostUpdate)->notice->reason);
    self::assertCount(1, $h->history);

    $h->keys->text = 'dbt_site_000000000000000000000000000000000000';
    self::assertSame(Reason::BadKey, $h->pusher->push(Trigger::Cron)->notice->reason);

    $h->keys->text = self::otherKey();
    $h->accept();
    $h->accept();
    self::assertTrue($h->pusher->push(Trigger::Cron)->isSuccess());
  }

  /**
   * A week without a server: every change waits, in order, and arrives.
   */
  public function testOutageLosesNothing(): void {
    $h = new Harness();
    for ($i = 0; $i < 10; $i++) {
      $h->site->extensions = [FakeSite::module('token', '8.x-1.' . $i)];
      $h->server->append(new Response(502));
      $h->pusher->push(Trigger::PostUpdate);
      $h->clock->now += 86400;
    }
    self::assertSame(10, $h->outbox->count());
    $h->history = [];
    for ($i = 0; $i < 11; $i++) {
      $h->accept();
    }
    $h->pusher->push(Trigger::Manual);
    self::assertSame(
      array_map(static fn (int $i): string => '8.x-1.' . $i, range(0, 9)),
      array_slice(array_map(static fn (array $report): string => $report['extensions'][0]['version'] ?? '', $h->sent()), 0, 10),
    );
    self::assertSame(0, $h->outbox->count());
  }

  /**
   * Sending stops when the time is used up, and goes on in the next run.
   */
  public function testBudgetEndsTheRun(): void {
    $h = new Harness();
    for ($i = 0; $i < 5; $i++) {
      $h->site->extensions = [FakeSite::module('token', '8.x-1.' . $i)];
      $h->server->append(new Response(502));
      $h->pusher->push(Trigger::PostUpdate);
      $h->clock->now += 86400;
    }
    $h->history = [];
    for ($i = 0; $i < 6; $i++) {
      $h->server->append(static function ($request) use ($h): Response {
        $h->clock->monotonic += 4.0;
        return new Response(200, [], (string) json_encode(['reportId' => Harness::decode($request)['reportId']]));
      });
    }
    $outcome = $h->pusher->push(Trigger::Cron);
    self::assertSame([3, 2], [$outcome->sent, $outcome->waiting]);
    self::assertSame([10.0, 6.0, 2.0], array_map(static fn (array $entry): float => $entry['options']['timeout'], $h->history));
    self::assertSame(10.0, Pusher::BUDGET);
  }

  /**
   * Two crons at once: one works, the other goes on with its life.
   */
  public function testSecondCronDoesNothing(): void {
    $h = new Harness();
    $h->site->locked = TRUE;
    self::assertSame(Reason::Busy, $h->pusher->push(Trigger::Cron)->notice->reason);
    self::assertCount(0, $h->history);
  }

  /**
   * Whatever is thrown, cron goes on.
   */
  public function testErrorsDoNotReachCron(): void {
    $h = new Harness();
    $h->site->broken = new \TypeError('a module broke the list, ' . FakeSite::KEY);
    self::assertSame(Reason::Unexpected, $h->pusher->push(Trigger::Cron)->notice->reason);
    self::assertFalse($h->site->locked, 'the lock is given back');
    self::assertCount(1, $h->log->lines);
    self::assertStringNotContainsString(FakeSite::KEY, $h->log->lines[0]);
    self::assertSame(Reason::Unexpected, $h->state()->error?->reason);

    $h->site->broken = NULL;
    $h->accept();
    self::assertTrue($h->pusher->push(Trigger::Cron)->isSuccess());
    self::assertNull($h->state()->error);
  }

  /**
   * A read-only database: nothing is sent that could not be remembered.
   */
  public function testReadOnlyDatabase(): void {
    $h = new Harness();
    $h->store->readOnly = TRUE;
    self::assertSame(Reason::Unexpected, $h->pusher->push(Trigger::Cron)->notice->reason);
    self::assertCount(0, $h->history);
    $h->store->readOnly = FALSE;
    $h->accept();
    self::assertTrue($h->pusher->push(Trigger::Cron)->isSuccess());
  }

  /**
   * The process died with the answer on the way: the same id goes again.
   */
  public function testLostAnswerKeepsTheId(): void {
    $h = new Harness();
    $h->server->append(static function () use ($h): Response {
      $h->store->readOnly = TRUE;
      return new Response(200, [], '{}');
    });
    $h->pusher->push(Trigger::Cron);
    $h->store->readOnly = FALSE;
    $h->accept();
    $h->pusher->push(Trigger::Cron);
    $sent = $h->sent();
    self::assertSame($sent[0], $sent[1]);
  }

  /**
   * Who keeps silent, and why.
   *
   * @dataProvider silences
   */
  #[DataProvider('silences')]
  public function testSilence(\Closure $change, Reason $reason): void {
    $h = new Harness();
    $change($h);
    foreach (Trigger::cases() as $trigger) {
      self::assertSame($reason, $h->pusher->push($trigger)->notice->reason);
    }
    self::assertCount(0, $h->history);
    self::assertSame(0, $h->outbox->count());
    self::assertSame(0, $h->site->scans);
  }

  /**
   * Cases for testSilence().
   */
  public static function silences(): array {
    return [
      'switched off' => [static function (Harness $h): void {
        $h->site->options = new Options(FALSE, 'https://drumbeat.example');
      }, Reason::Off],
      'not connected' => [static function (Harness $h): void {
        $h->site->options = new Options();
      }, Reason::NotConnected],
      'no key' => [static function (Harness $h): void {
        $h->keys->text = NULL;
      }, Reason::NoKey],
      'a key with a typing error' => [static function (Harness $h): void {
        $h->keys->text = strrev(FakeSite::KEY);
      }, Reason::BadKey],
      'plain http to another machine' => [static function (Harness $h): void {
        $h->site->options = new Options(TRUE, 'http://drumbeat.example');
      }, Reason::BadAddress],
      'staging' => [static function (Harness $h): void {
        $h->variables = ['PANTHEON_ENVIRONMENT' => 'test'];
      }, Reason::EnvironmentSilent],
      'a laptop' => [static function (Harness $h): void {
        $h->variables = ['IS_DDEV_PROJECT' => 'true'];
      }, Reason::EnvironmentSilent],
      'nobody named the environment' => [static function (Harness $h): void {
        $h->variables = [];
      }, Reason::EnvironmentUnnamed],
      'a copy of what an administrator connected' => [static function (Harness $h): void {
        $h->variables = [];
        $h->store->set('environment', ['name' => 'production', 'place' => 'somewhere else']);
      }, Reason::EnvironmentCopied],
    ];
  }

  /**
   * Another server or site does not get what was meant for this one.
   */
  public function testOtherSiteStartsAnew(): void {
    $h = new Harness();
    $h->accept();
    $h->pusher->push(Trigger::Cron);
    $h->site->extensions = [FakeSite::module('token', '8.x-1.17')];
    $h->server->append(new Response(502));
    $h->pusher->push(Trigger::PostUpdate);
    self::assertSame(1, $h->outbox->count());

    $other = '11111111-2222-4333-8444-555555555555';
    $h->site->options = new Options(TRUE, 'https://drumbeat.example', $other);
    $h->accept();
    $h->pusher->push(Trigger::Cron);
    $last = $h->sent()[2];
    self::assertSame($other, $last['site']['id']);
    self::assertArrayHasKey('extensions', $last);
    self::assertCount(3, $h->history);
  }

  /**
   * A clock that was a year ahead for a while does not silence the site.
   */
  public function testClockSetBack(): void {
    $h = new Harness();
    $h->clock->now += 31536000;
    $h->accept();
    $h->pusher->push(Trigger::Cron);
    $h->clock->now -= 31536000;
    $h->accept();
    self::assertTrue($h->pusher->push(Trigger::Cron)->isSuccess());
  }

  /**
   * The Date header tells the drift.
   */
  public function testClockSkewIsNoticed(): void {
    $h = new Harness();
    $h->server->append(new Response(503, ['Date' => gmdate('D, d M Y H:i:s', $h->clock->now - 86400) . ' GMT']));
    $h->pusher->push(Trigger::Cron);
    self::assertSame(86400, $h->state()->skew);
  }

  /**
   * Two thousand extensions are one report of less than the limit.
   */
  public function testTwoThousandExtensions(): void {
    $h = new Harness();
    $h->site->extensions = array_map(static fn (int $i) => FakeSite::module('module_with_a_long_name_' . $i, '8.x-1.' . $i), range(1, 2000));
    $h->accept();
    self::assertTrue($h->pusher->push(Trigger::Cron)->isSuccess());
    self::assertCount(2000, $h->sent()[0]['extensions']);
    self::assertLessThan(100000, strlen((string) $h->history[0]['request']->getBody()), 'compressed');
    self::assertLessThan(Outbox::MAX_BYTES, $h->state()->acceptedBytes);
  }

  /**
   * A valid key other than the usual one.
   */
  private static function otherKey(): string {
    $body = 'dbt_site_' . str_repeat('9', 30);
    $alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    $number = crc32($body);
    $check = '';
    for ($i = 0; $i < 6; $i++) {
      $check = $alphabet[$number % 62] . $check;
      $number = intdiv($number, 62);
    }
    return $body . $check;
  }

}
