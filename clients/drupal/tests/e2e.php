<?php

/**
 * @file
 * Posts what the module builds to a running server, and says what came back.
 *
 * Needs DRUMBEAT_URL and DRUMBEAT_KEY, or the connection string in
 * DRUMBEAT_CONNECTION, of a site made for this: it is told of a few modules.
 * Exits with 0 when the server did all that it promises, with 1 otherwise.
 *
 * With DRUMBEAT_PACE, in seconds, it waits between two messages, for servers
 * that allow a key only so many.
 */

declare(strict_types=1);

use Drupal\drumbeat\Connection\ConnectionString;
use Drupal\drumbeat\Connection\KeyRing;
use Drupal\drumbeat\Connection\SiteKey;
use Drupal\drumbeat\Delivery\AnswerReader;
use Drupal\drumbeat\Delivery\ConnectionTest;
use Drupal\drumbeat\Delivery\DeliveryState;
use Drupal\drumbeat\Delivery\Gate;
use Drupal\drumbeat\Delivery\GuzzleTransport;
use Drupal\drumbeat\Delivery\Outbox;
use Drupal\drumbeat\Delivery\Pusher;
use Drupal\drumbeat\Environment\EnvironmentDetector;
use Drupal\drumbeat\Environment\SiteSettings;
use Drupal\drumbeat\Inventory\ComposerPackage;
use Drupal\drumbeat\Inventory\Extension;
use Drupal\drumbeat\Inventory\InventoryCollector;
use Drupal\drumbeat\Options\Options;
use Drupal\drumbeat\Report\ReportBuilder;
use Drupal\drumbeat\Report\Trigger;
use Drupal\Tests\drumbeat\Unit\Fake\ArrayStore;
use Drupal\Tests\drumbeat\Unit\Fake\FakeClock;
use Drupal\Tests\drumbeat\Unit\Fake\FakeSite;
use Drupal\Tests\drumbeat\Unit\Fake\Keys;
use Drupal\Tests\drumbeat\Unit\Fake\LogLines;
use GuzzleHttp\Client;

require __DIR__ . '/bootstrap.php';

$string = (string) getenv('DRUMBEAT_CONNECTION');
if ($string !== '') {
  $connection = ConnectionString::parse($string, TRUE);
  [$url, $id, $key] = [$connection->serverUrl, $connection->siteId, $connection->key];
}
else {
  [$url, $id, $key] = [(string) getenv('DRUMBEAT_URL'), '', SiteKey::parse((string) getenv('DRUMBEAT_KEY'))];
}
if ($url === '' || $key === NULL) {
  fwrite(STDERR, "Set DRUMBEAT_CONNECTION, or DRUMBEAT_URL and DRUMBEAT_KEY.\n");
  exit(2);
}

$failures = 0;
$check = static function (string $fact, bool $holds, string $seen = '') use (&$failures): void {
  $failures += (int) !$holds;
  echo $holds ? 'ok    ' : 'FAIL  ', $fact, $seen === '' ? '' : " ($seen)", "\n";
  usleep((int) (1000000 * (float) getenv('DRUMBEAT_PACE')));
};

$site = new FakeSite();
$site->options = new Options(TRUE, $url, $id, 3600);
$site->extensions = array_values(array_filter([
  Extension::fromInfo('node', 'module', TRUE, 'core/modules/node', ['name' => 'Node', 'package' => 'Core', 'version' => '10.4.2']),
  Extension::fromInfo('claro', 'theme', TRUE, 'core/themes/claro', ['name' => 'Claro', 'version' => '10.4.2']),
  Extension::fromInfo('minimal', 'profile', TRUE, 'core/profiles/minimal', ['name' => 'Minimal', 'version' => '10.4.2', 'hidden' => TRUE]),
  FakeSite::module('token', '8.x-1.15'),
  Extension::fromInfo('village', 'module', TRUE, 'modules/custom/village', ['name' => 'Village']),
  // What no info file should hold, and some do.
  Extension::fromInfo("odd\xFF", 'module', FALSE, 'modules/odd', [
    'name' => "<script>alert(1)</script>\0" . str_repeat('ä', 400),
    'version' => str_repeat('9', 500),
    'project' => str_repeat('p', 500),
    'datestamp' => '9e99',
    'package' => "a\r\nb",
    'lifecycle' => ['x'],
  ]),
]));
$site->packages = array_values(array_filter([
  ComposerPackage::fromInstalled([
    'name' => 'drupal/token',
    'version' => '1.15.0',
    'source' => ['reference' => '8.x-1.15'],
    'extra' => ['drupal' => ['version' => '8.x-1.15', 'datestamp' => '1722206210', 'security-coverage' => ['status' => 'covered']]],
  ]),
]));
$store = new ArrayStore();
$clock = new FakeClock(time());
$settings = new SiteSettings(['environment' => 'production', 'allow_http' => TRUE]);
$environment = new EnvironmentDetector($settings, $store, $site);
$gate = new Gate($site, new KeyRing([new Keys($key->reveal())]), $environment, $settings);
$transport = new GuzzleTransport(new Client());
$reader = new AnswerReader();
$builder = new ReportBuilder($site, $environment, $site, $clock);
$collector = new InventoryCollector($site, $site, $site);
$log = new LogLines();
$outbox = new Outbox($store);
$pusher = new Pusher($gate, $collector, $builder, $outbox, $transport, $reader, $site, $store, $site, $clock, $log);
$state = static fn (): DeliveryState => DeliveryState::load($store);

$result = (new ConnectionTest($gate, $transport, $reader, $clock))->run();
$check('the key is known', $result->isSuccess(), $result->notice->reason->value . ' ' . ($result->notice->values['name'] ?? ''));

$outcome = $pusher->push(Trigger::Manual);
$check('a full report is accepted', $outcome->isSuccess(), $outcome->notice->reason->value . ' ' . ($outcome->notice->values['message'] ?? '') . ' ' . $state()->acceptedBytes . ' bytes');
$check('the server says when to come again', $state()->serverInterval > 0, $state()->serverInterval . ' s');

$outcome = $pusher->push(Trigger::Manual);
$check('an unchanged site is a heartbeat, which is accepted', $outcome->isSuccess() && $state()->acceptedBytes < 1000, $state()->acceptedBytes . ' bytes');

$endpoint = $url . '/drumbeat.ingest.v1.IngestService/SubmitReport';
$report = $builder->build($collector->collect(TRUE), Trigger::Cron, TRUE);
for ($i = 1; $i <= 2; $i++) {
  $verdict = $reader->read($transport->post($endpoint, $key, $report->json, 10.0), $report->id, time());
  $check("the same report, time $i, is accepted", $verdict->notice->reason->value === 'sent', $verdict->notice->reason->value);
}

$site->extensions[3] = FakeSite::module('token', '8.x-1.17');
$clock->now++;
$outcome = $pusher->push(Trigger::PostUpdate);
$check('an update is reported at once', $outcome->isSuccess(), $outcome->notice->reason->value);

$wrong = SiteKey::parse(FakeSite::KEY);
$verdict = $reader->read($transport->post($endpoint, $wrong, $report->json, 10.0), $report->id, time());
$check('a wrong key is refused', $verdict->notice->reason->value === 'key_refused', $verdict->notice->reason->value);

$broken = (string) json_encode(['reportId' => $report->id, 'trigger' => 'never']);
$verdict = $reader->read($transport->post($endpoint, $key, $broken, 10.0), $report->id, time());
$check('a broken report is refused for good', $verdict->notice->reason->value === 'dropped', $verdict->notice->reason->value . ' ' . ($verdict->notice->values['message'] ?? ''));

$check('nothing was logged', $log->lines === [], implode(' ', $log->lines));
echo $failures === 0 ? "All of it.\n" : "$failures failed.\n";
exit($failures === 0 ? 0 : 1);
