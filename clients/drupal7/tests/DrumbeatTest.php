<?php

declare(strict_types=1);

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;

/**
 * When the module for Drupal 7 reports, and what it does with each answer.
 */
final class DrumbeatTest extends TestCase {

  /**
   * {@inheritdoc}
   */
  protected function setUp(): void {
    DrumbeatFake::reset();
  }

  /**
   * The first cron run sends everything there is.
   */
  public function testFirstReportIsFull(): void {
    DrumbeatFake::accept();
    self::assertSame('sent', drumbeat_push('cron')['notice']['reason']);
    [$url, $options] = DrumbeatFake::$requests[0];
    self::assertSame('https://drumbeat.example/drumbeat.ingest.v1.IngestService/SubmitReport', $url);
    self::assertSame(['POST', 0, 10.0], [$options['method'], $options['max_redirects'], $options['timeout']]);
    self::assertSame('Bearer ' . DrumbeatFake::KEY, $options['headers']['Authorization']);
    $message = DrumbeatFake::sent()[0];
    self::assertMatchesRegularExpression('/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/', $message['reportId']);
    unset($message['reportId'], $message['inventoryHash']);
    self::assertSame([
      'collectedAt' => '2027-01-15T08:00:00Z',
      'trigger' => 'cron',
      'agent' => ['name' => 'drumbeat', 'version' => '7.x-1.0'],
      'site' => ['id' => DrumbeatFake::SITE_ID, 'url' => 'https://village.example', 'name' => 'Village', 'environment' => 'production'],
      'platform' => ['drupalVersion' => '7.105', 'phpVersion' => '7.4.33', 'phpSapi' => 'cli', 'dbDriver' => 'mysql', 'dbVersion' => '10.11.19-MariaDB', 'profile' => 'standard'],
      'extensions' => [['name' => 'token', 'type' => 'module', 'enabled' => TRUE, 'project' => 'token', 'version' => '8.x-1.15', 'datestamp' => 1447900441, 'title' => 'Token', 'pathKind' => 'contrib']],
    ], $message);
  }

  /**
   * Heartbeats, the interval, changes, and an update at once.
   */
  public function testCronOfADay(): void {
    DrumbeatFake::accept(['nextReportIn' => '7200s']);
    drumbeat_push('cron');
    DrumbeatFake::$now += 7199;
    self::assertSame('not_due', drumbeat_push('cron')['notice']['reason']);
    self::assertSame(1, DrumbeatFake::$scans);
    DrumbeatFake::$now += 722;
    DrumbeatFake::accept();
    drumbeat_push('cron');
    self::assertArrayNotHasKey('extensions', DrumbeatFake::sent()[1]);

    DrumbeatFake::$sapi = 'fpm-fcgi';
    DrumbeatFake::$now += 120;
    self::assertSame('not_due', drumbeat_push('cron')['notice']['reason'], 'cron in the web is no change');

    DrumbeatFake::$rows = [DrumbeatFake::module('8.x-1.17')];
    DrumbeatFake::accept();
    drumbeat_push('cron');
    self::assertSame('8.x-1.17', DrumbeatFake::sent()[2]['extensions'][0]['version']);

    DrumbeatFake::$rows = [DrumbeatFake::module('8.x-1.18')];
    DrumbeatFake::accept();
    drumbeat_push('post-update');
    self::assertSame('post-update', DrumbeatFake::sent()[3]['trigger']);
    drumbeat_push('post-update');
    self::assertCount(4, DrumbeatFake::$requests);

    drumbeat_want('install');
    DrumbeatFake::$now += 400;
    DrumbeatFake::accept();
    drumbeat_push('cron');
    self::assertSame('install', DrumbeatFake::sent()[4]['trigger']);
  }

  /**
   * A server that lost its memory gets the lists at once, and once.
   */
  public function testFullReportNeeded(): void {
    DrumbeatFake::accept();
    drumbeat_push('cron');
    DrumbeatFake::$now += 4000;
    DrumbeatFake::accept(['fullReportNeeded' => TRUE]);
    DrumbeatFake::accept(['fullReportNeeded' => TRUE]);
    self::assertSame(2, drumbeat_push('cron')['sent']);
    self::assertArrayHasKey('extensions', DrumbeatFake::sent()[2]);
  }

  /**
   * Each answer, and what becomes of the report.
   *
   * @dataProvider answers
   */
  #[DataProvider('answers')]
  public function testAnswer(int $code, string $data, array $headers, string $reason, string $fate): void {
    DrumbeatFake::answer($code, $data, $headers, 'it failed');
    self::assertSame($reason, drumbeat_push('cron')['notice']['reason']);
    self::assertCount(1, DrumbeatFake::$requests);
    self::assertCount($fate === 'drop' ? 0 : 1, drumbeat_outbox());
    $id = DrumbeatFake::sent()[0]['reportId'];
    self::assertStringNotContainsString(DrumbeatFake::KEY, implode(DrumbeatFake::$log) . DrumbeatFake::$store['delivery']);
    DrumbeatFake::accept();
    DrumbeatFake::accept();
    DrumbeatFake::$now += 5400;
    $reason = drumbeat_push('cron')['notice']['reason'];
    if ($fate === 'stop') {
      self::assertSame('stopped', $reason);
      self::assertSame('sent', drumbeat_push('manual')['notice']['reason']);
    }
    else {
      self::assertSame('sent', $reason);
    }
    self::assertSame($fate !== 'drop', DrumbeatFake::sent()[1]['reportId'] === $id);
    self::assertNull(drumbeat_state()['error']);
  }

  /**
   * Cases for testAnswer().
   */
  public static function answers(): array {
    $error = static fn (string $code): string => (string) json_encode(['code' => $code, 'message' => 'no, ' . DrumbeatFake::KEY]);
    return [
      '400 drops' => [400, $error('invalid_argument'), [], 'dropped', 'drop'],
      '413 of a proxy drops' => [413, '<html>', [], 'dropped', 'drop'],
      '422 drops' => [422, $error('invalid_argument'), [], 'dropped', 'drop'],
      '401 stops' => [401, $error('unauthenticated'), [], 'key_refused', 'stop'],
      '404 stops' => [404, $error('not_found'), [], 'gone', 'stop'],
      '429 keeps' => [429, $error('resource_exhausted'), ['retry-after' => '60'], 'too_many', 'keep'],
      '503 keeps' => [503, '', ['retry-after' => '60'], 'unavailable', 'keep'],
      '502 keeps' => [502, '<html>', [], 'server_error', 'keep'],
      "a firewall's 403 keeps" => [403, '<html>', [], 'not_drumbeat', 'keep'],
      'HTML instead of JSON keeps' => [200, '<html>', [], 'not_drumbeat', 'keep'],
      'a redirect keeps' => [301, '', ['location' => 'https://elsewhere.example/?a'], 'redirect', 'keep'],
      'a time-out keeps' => [-1, '', [], 'timeout', 'keep'],
      'a refused connection keeps' => [-111, '', [], 'no_connection', 'keep'],
      'a wrong certificate keeps' => [0, '', [], 'no_connection', 'keep'],
    ];
  }

  /**
   * Retry-After is obeyed to the second, by people as well.
   */
  public function testRetryAfter(): void {
    DrumbeatFake::answer(429, ['code' => 'resource_exhausted'], ['retry-after' => '90']);
    drumbeat_push('cron');
    DrumbeatFake::$now += 89;
    self::assertSame('waiting', drumbeat_push('cron')['notice']['reason']);
    self::assertSame('waiting', drumbeat_push('manual')['notice']['reason']);
    DrumbeatFake::$now++;
    DrumbeatFake::accept();
    self::assertSame('sent', drumbeat_push('cron')['notice']['reason']);
  }

  /**
   * At most fifty wait, and what changed is not what goes.
   */
  public function testOutage(): void {
    for ($i = 0; $i < 60; $i++) {
      DrumbeatFake::$rows = [DrumbeatFake::module('8.x-1.' . $i)];
      DrumbeatFake::answer(502);
      drumbeat_push('post-update');
      DrumbeatFake::$now += 86400;
    }
    $outbox = drumbeat_outbox();
    self::assertCount(50, $outbox);
    self::assertTrue(end($outbox)['full']);
    self::assertCount(50, preg_grep('/^report\./', array_keys(DrumbeatFake::$store)));
    DrumbeatFake::$requests = [];
    for ($i = 0; $i < 50; $i++) {
      DrumbeatFake::accept();
    }
    self::assertSame(50, drumbeat_push('manual')['sent']);
    self::assertSame('8.x-1.59', DrumbeatFake::sent()[49]['extensions'][0]['version']);
  }

  /**
   * Whatever is thrown, cron goes on.
   */
  public function testErrorsDoNotReachCron(): void {
    DrumbeatFake::$broken = new TypeError('a module broke the list, ' . DrumbeatFake::KEY);
    self::assertSame('unexpected', drumbeat_push('cron')['notice']['reason']);
    self::assertFalse(DrumbeatFake::$locked);
    self::assertStringNotContainsString(DrumbeatFake::KEY, DrumbeatFake::$log[0]);
    DrumbeatFake::$broken = NULL;
    DrumbeatFake::$readOnly = TRUE;
    self::assertSame('unexpected', drumbeat_push('cron')['notice']['reason']);
    self::assertCount(0, DrumbeatFake::$requests, 'nothing is sent that could not be remembered');
    DrumbeatFake::$readOnly = FALSE;
    DrumbeatFake::$locked = TRUE;
    self::assertSame('busy', drumbeat_push('cron')['notice']['reason']);
  }

  /**
   * Who keeps silent, and why.
   *
   * @dataProvider silences
   */
  #[DataProvider('silences')]
  public function testSilence(array $variables, array $conf, array $store, string $reason): void {
    DrumbeatFake::$variables = $variables + DrumbeatFake::$variables;
    $GLOBALS['conf'] = $conf;
    DrumbeatFake::$store = array_map('serialize', $store);
    self::assertSame($reason, drumbeat_push('cron')['notice']['reason']);
    self::assertSame($reason, drumbeat_push('manual')['notice']['reason']);
    self::assertCount(0, DrumbeatFake::$requests);
  }

  /**
   * Cases for testSilence().
   */
  public static function silences(): array {
    $key = ['key' => DrumbeatFake::KEY];
    $production = ['drumbeat_environment' => 'production'];
    return [
      'switched off' => [['drumbeat_enabled' => FALSE], $production, $key, 'off'],
      'not connected' => [['drumbeat_server_url' => ''], $production, $key, 'not_connected'],
      'plain http' => [['drumbeat_server_url' => 'http://drumbeat.example'], $production, $key, 'bad_address'],
      'no key' => [[], $production, [], 'no_key'],
      'a broken key in settings.php hides others' => [[], $production + ['drumbeat_key' => 'x'], $key, 'bad_key'],
      'staging' => [[], ['drumbeat_environment' => 'staging'], $key, 'environment_silent'],
      'nobody named it' => [[], [], $key, 'environment_unnamed'],
      'a copy' => [[], [], $key + ['environment' => ['name' => 'production', 'place' => 'there']], 'environment_copied'],
    ];
  }

  /**
   * An administrator's word counts where it was given.
   */
  public function testAdministratorNamesTheEnvironment(): void {
    $GLOBALS['conf'] = [];
    drumbeat_environment_name('staging');
    DrumbeatFake::accept();
    self::assertSame('sent', drumbeat_push('cron')['notice']['reason']);
    DrumbeatFake::$place = 'elsewhere';
    self::assertSame('environment_copied', drumbeat_push('cron')['notice']['reason']);
  }

  /**
   * The test button.
   */
  public function testTestButton(): void {
    DrumbeatFake::answer(200, ['siteId' => DrumbeatFake::SITE_ID, 'siteName' => 'Village', 'serverTime' => '2027-01-14T08:00:00Z']);
    $result = drumbeat_test();
    self::assertSame(['sent', 'Village', 86400], [$result['notice']['reason'], $result['notice']['values']['name'], $result['skew']]);
    DrumbeatFake::answer(200, ['siteId' => '11111111-2222-4333-8444-555555555555', 'siteName' => 'Town']);
    self::assertSame('wrong_site', drumbeat_test()['notice']['reason']);
    DrumbeatFake::answer(200, '<html>');
    self::assertSame('not_drumbeat', drumbeat_test()['notice']['reason']);
    DrumbeatFake::answer(401, ['code' => 'unauthenticated', 'message' => 'unknown']);
    self::assertSame('key_refused', drumbeat_test()['notice']['reason']);
  }

  /**
   * Connection strings, whole and broken.
   */
  public function testConnectionString(): void {
    $write = static fn (array $data): string => 'drumbeat:' . rtrim(strtr(base64_encode((string) json_encode($data)), '+/', '-_'), '=');
    $good = ['v' => 1, 'url' => 'https://drumbeat.example/', 'site' => DrumbeatFake::SITE_ID, 'key' => DrumbeatFake::KEY];
    self::assertSame(
      ['url' => 'https://drumbeat.example', 'site' => DrumbeatFake::SITE_ID, 'key' => DrumbeatFake::KEY],
      drumbeat_connection_parse(chunk_split($write($good), 40)),
    );
    self::assertSame('not_one', drumbeat_connection_parse(DrumbeatFake::KEY));
    self::assertSame('incomplete', drumbeat_connection_parse(substr($write($good), 0, 60)));
    self::assertSame('incomplete', drumbeat_connection_parse($write(['key' => strrev(DrumbeatFake::KEY)] + $good)));
    self::assertSame('other_version', drumbeat_connection_parse($write(['v' => 2] + $good)));
    self::assertSame('bad_address', drumbeat_connection_parse($write(['url' => 'http://drumbeat.example'] + $good)));
    self::assertNull(drumbeat_key_parse(str_replace('A1', 'A2', DrumbeatFake::KEY)));
  }

  /**
   * Rows of the system table as real sites have them.
   *
   * @dataProvider rows
   */
  #[DataProvider('rows')]
  public function testExtension(string $path, array $info, array $expected): void {
    $extension = drumbeat_extension(['name' => 'x', 'type' => 'module', 'enabled' => FALSE, 'path' => $path, 'info' => $info]);
    self::assertSame(['name' => 'x', 'type' => 'module'] + $expected, $extension);
  }

  /**
   * Cases for testExtension().
   */
  public static function rows(): array {
    return [
      'core' => ['modules/node', ['name' => 'Node', 'version' => '7.105', 'project' => 'drupal', 'hidden' => TRUE], ['project' => 'drupal', 'version' => '7.105', 'title' => 'Node', 'pathKind' => 'core', 'hidden' => TRUE]],
      'contrib in the folder of core' => ['modules/views', ['project' => 'views'], ['project' => 'views']],
      'custom' => ['sites/default/modules/custom/x', [], ['pathKind' => 'custom']],
      'nobody sorted it' => ['sites/all/modules/x', ['version' => ''], ['version' => '']],
      "a profile's" => ['profiles/openatrium/modules/contrib/x', [], ['pathKind' => 'profile']],
      'rubbish' => ['', ['name' => ["\xFF"], 'version' => "7.x\xFF\0-1.0", 'datestamp' => [], 'package' => "a\nb"], ['version' => '7.x?-1.0', 'package' => 'a b']],
    ];
  }

}
