<?php

declare(strict_types=1);

namespace Drupal\Tests\drumbeat\Unit;

use Drupal\drumbeat\Connection\Connection;
use Drupal\drumbeat\Connection\ConnectionFault;
use Drupal\drumbeat\Connection\ConnectionString;
use Drupal\drumbeat\Connection\InvalidConnectionString;
use Drupal\drumbeat\Connection\KeyModuleProvider;
use Drupal\drumbeat\Connection\KeyRing;
use Drupal\drumbeat\Connection\KeySource;
use Drupal\drumbeat\Connection\ServerUrl;
use Drupal\drumbeat\Connection\SettingsKeyProvider;
use Drupal\drumbeat\Connection\SiteKey;
use Drupal\drumbeat\Connection\StoredKeyProvider;
use Drupal\drumbeat\Delivery\Reason;
use Drupal\drumbeat\Environment\EnvironmentDetector;
use Drupal\drumbeat\Environment\EnvironmentSource;
use Drupal\drumbeat\Environment\SiteSettings;
use Drupal\drumbeat\Options\Options;
use Drupal\Tests\drumbeat\Unit\Fake\ArrayStore;
use Drupal\Tests\drumbeat\Unit\Fake\FakeSite;
use Drupal\Tests\drumbeat\Unit\Fake\Harness;
use Drupal\Tests\drumbeat\Unit\Fake\Keys;
use GuzzleHttp\Psr7\Response;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\Group;
use PHPUnit\Framework\TestCase;

/**
 * The key, the connection string, the environment and the test button.
 *
 * @group drumbeat
 */
#[Group('drumbeat')]
final class ConnectionTest extends TestCase {

  /**
   * A key shows itself to nobody who did not ask.
   */
  public function testKeyKeepsItsSecret(): void {
    $key = SiteKey::parse(' ' . FakeSite::KEY . "\n");
    self::assertNotNull($key);
    self::assertSame(FakeSite::KEY, $key->reveal());
    self::assertSame('dbt_site_…On04', (string) $key);
    $connection = new Connection('https://drumbeat.example', FakeSite::SITE_ID, $key, KeySource::Environment);
    ob_start();
    var_dump($connection);
    print_r($connection);
    $dump = (string) ob_get_clean();
    self::assertStringNotContainsString(FakeSite::KEY, $dump . json_encode($connection));
    $this->expectException(\LogicException::class);
    serialize($connection);
  }

  /**
   * Typing errors are seen without asking the server.
   */
  public function testKeyChecksum(): void {
    self::assertNull(SiteKey::parse(''));
    self::assertNull(SiteKey::parse(substr(FakeSite::KEY, 0, -1)));
    self::assertNull(SiteKey::parse(FakeSite::KEY . 'x'));
    self::assertNull(SiteKey::parse(str_replace('A1', 'A2', FakeSite::KEY)));
    self::assertNull(SiteKey::parse(str_replace('dbt_site_', 'dbt_user_', FakeSite::KEY)));
  }

  /**
   * What the server writes, the site reads.
   */
  public function testConnectionString(): void {
    $text = ConnectionString::format('https://drumbeat.example/', FakeSite::SITE_ID, SiteKey::parse(FakeSite::KEY));
    self::assertMatchesRegularExpression('/^drumbeat:[0-9A-Za-z_-]+$/', $text);
    $wrapped = chunk_split($text, 40, "\r\n ");
    $connection = ConnectionString::parse($wrapped);
    self::assertSame('https://drumbeat.example', $connection->serverUrl);
    self::assertSame(FakeSite::SITE_ID, $connection->siteId);
    self::assertSame(FakeSite::KEY, $connection->key->reveal());
    self::assertSame('(a secret)', SiteKey::redact($text));
  }

  /**
   * What is no connection string, and why.
   *
   * @dataProvider strings
   */
  #[DataProvider('strings')]
  public function testInvalidConnectionString(string $text, ConnectionFault $fault): void {
    try {
      ConnectionString::parse($text);
      self::fail('It was taken.');
    }
    catch (InvalidConnectionString $exception) {
      self::assertSame($fault, $exception->fault);
      self::assertStringNotContainsString(FakeSite::KEY, (string) $exception);
    }
  }

  /**
   * Cases for testInvalidConnectionString().
   */
  public static function strings(): array {
    $write = static fn (array $data): string => 'drumbeat:' . rtrim(strtr(base64_encode((string) json_encode($data)), '+/', '-_'), '=');
    $good = ['v' => 1, 'url' => 'https://drumbeat.example', 'site' => FakeSite::SITE_ID, 'key' => FakeSite::KEY];
    return [
      'nothing' => ['', ConnectionFault::NotOne],
      'only the key' => [FakeSite::KEY, ConnectionFault::NotOne],
      'an address' => ['https://drumbeat.example', ConnectionFault::NotOne],
      'only the beginning' => ['drumbeat:', ConnectionFault::Incomplete],
      'half of it' => [substr($write($good), 0, 60), ConnectionFault::Incomplete],
      'not base64' => ['drumbeat:%%%%', ConnectionFault::Incomplete],
      'a later version' => [$write(['v' => 2] + $good), ConnectionFault::OtherVersion],
      'no site' => [$write(['site' => 'village'] + $good), ConnectionFault::Incomplete],
      'a key that is a list' => [$write(['key' => [FakeSite::KEY]] + $good), ConnectionFault::Incomplete],
      'a broken key' => [$write(['key' => strrev(FakeSite::KEY)] + $good), ConnectionFault::Incomplete],
      'plain http' => [$write(['url' => 'http://drumbeat.example'] + $good), ConnectionFault::BadAddress],
      'another scheme' => [$write(['url' => 'file:///etc/passwd'] + $good), ConnectionFault::BadAddress],
      'far too long' => ['drumbeat:' . str_repeat('A', 100000), ConnectionFault::Incomplete],
    ];
  }

  /**
   * Addresses of servers.
   *
   * @dataProvider addresses
   */
  #[DataProvider('addresses')]
  public function testServerUrl(string $url, bool $allowHttp, ?string $expected): void {
    self::assertSame($expected, ServerUrl::normalize($url, $allowHttp));
  }

  /**
   * Cases for testServerUrl().
   */
  public static function addresses(): array {
    return [
      'https' => [' https://drumbeat.example/ ', FALSE, 'https://drumbeat.example'],
      'with a port and a folder' => ['https://example.org:8443/drumbeat/', FALSE, 'https://example.org:8443/drumbeat'],
      'this machine' => ['http://127.0.0.1:8080', FALSE, 'http://127.0.0.1:8080'],
      'this machine by name' => ['http://localhost:8080', FALSE, 'http://localhost:8080'],
      'this machine by IPv6' => ['http://[::1]:8080', FALSE, 'http://[::1]:8080'],
      'a name that only looks local' => ['http://127.evil.example', FALSE, NULL],
      'http elsewhere' => ['http://drumbeat.example', FALSE, NULL],
      'http elsewhere, allowed' => ['http://drumbeat.example', TRUE, 'http://drumbeat.example'],
      'with a password' => ['https://user:word@drumbeat.example', FALSE, NULL],
      'with a query' => ['https://drumbeat.example/?a=b', FALSE, NULL],
      'no host' => ['https://', FALSE, NULL],
      'no address' => ['drumbeat', FALSE, NULL],
      'a line break' => ["https://drumbeat.example\r\nX: y", FALSE, NULL],
    ];
  }

  /**
   * The first place that has a key wins, even with a broken one.
   */
  public function testKeyRing(): void {
    $store = new ArrayStore();
    $stored = new StoredKeyProvider($store);
    $environment = new Keys(NULL, KeySource::Environment);
    $settings = new SettingsKeyProvider(new SiteSettings(['key' => FakeSite::KEY]));
    $ring = new KeyRing([$environment, $settings, $stored]);
    self::assertSame(KeySource::Settings, $ring->find()->source);
    $environment->text = 'broken';
    self::assertSame(KeySource::Environment, $ring->find()->source);
    self::assertNull($ring->find()->key);

    $ring = new KeyRing([new SettingsKeyProvider(new SiteSettings([])), $stored]);
    self::assertNull($ring->find()->source);
    $key = SiteKey::parse(FakeSite::KEY);
    self::assertNotNull($key);
    $stored->keep($key);
    self::assertSame(KeySource::Database, $ring->find()->source);
    $stored->forget();
    self::assertSame([], $store->values);
  }

  /**
   * The Key module is asked where it is, and not missed where it is not.
   */
  public function testKeyModule(): void {
    $site = new FakeSite();
    self::assertNull((new KeyModuleProvider($site, NULL))->text());
    $repository = new class() {

      /**
       * Stands for the Key module's repository.
       */
      public function getKey(string $id): ?object {
        return $id !== 'drumbeat' ? NULL : new class() {

          /**
           * Stands for a key entity.
           */
          public function getKeyValue(): string {
            return FakeSite::KEY;
          }

        };
      }

    };
    $provider = new KeyModuleProvider($site, $repository);
    self::assertNull($provider->text(), 'no key was chosen');
    $site->options = new Options(keyId: 'drumbeat');
    self::assertSame(FakeSite::KEY, $provider->text());
    $site->options = new Options(keyId: 'deleted');
    self::assertNull($provider->text());
  }

  /**
   * Which environment it is, and who says so.
   *
   * @dataProvider environments
   */
  #[DataProvider('environments')]
  public function testEnvironment(array $settings, array $variables, mixed $stored, string $name, EnvironmentSource $source, bool $reports): void {
    $store = new ArrayStore();
    if ($stored !== NULL) {
      $store->set('environment', $stored);
    }
    $detector = new EnvironmentDetector(new SiteSettings($settings), $store, new FakeSite(), static fn(string $variable): string|FALSE => $variables[$variable] ?? FALSE);
    $environment = $detector->detect();
    self::assertSame([$name, $source], [$environment->name, $environment->source]);
    self::assertSame($reports, $environment->reports(['production', 'live']));
  }

  /**
   * Cases for testEnvironment().
   */
  public static function environments(): array {
    $here = ['name' => 'staging', 'place' => 'here'];
    return [
      'nobody' => [[], [], NULL, '', EnvironmentSource::Nobody, FALSE],
      'settings.php wins' => [['environment' => 'production'], ['DRUMBEAT_ENVIRONMENT' => 'x'], $here, 'production', EnvironmentSource::Settings, TRUE],
      'then the variable' => [[], ['DRUMBEAT_ENVIRONMENT' => 'qa', 'PANTHEON_ENVIRONMENT' => 'live'], NULL, 'qa', EnvironmentSource::Variable, FALSE],
      'then the host' => [[], ['PANTHEON_ENVIRONMENT' => 'live'], $here, 'live', EnvironmentSource::Host, TRUE],
      'a laptop is no production, whatever was copied' => [[], ['IS_DDEV_PROJECT' => 'true'], ['name' => 'production', 'place' => 'here'], 'development', EnvironmentSource::Host, FALSE],
      'an administrator, here' => [[], [], $here, 'staging', EnvironmentSource::Administrator, TRUE],
      'an administrator, elsewhere' => [[], [], ['name' => 'production', 'place' => 'there'], 'production', EnvironmentSource::Copied, FALSE],
      'rubbish in the store' => [[], [], ['name' => ['x']], '', EnvironmentSource::Nobody, FALSE],
      'an empty variable is none' => [[], ['DRUMBEAT_ENVIRONMENT' => ''], NULL, '', EnvironmentSource::Nobody, FALSE],
    ];
  }

  /**
   * The test button's answers.
   *
   * @dataProvider checks
   */
  #[DataProvider('checks')]
  public function testTestButton(Response $answer, Reason $reason, ?int $skew): void {
    $h = new Harness();
    $h->variables = [];
    $h->server->append($answer);
    $result = $h->test->run();
    self::assertSame($reason, $result->notice->reason);
    self::assertSame($skew, $result->skew);
    self::assertSame('{}', (string) $h->history[0]['request']->getBody());
    self::assertStringEndsWith('/drumbeat.ingest.v1.IngestService/CheckConnection', (string) $h->history[0]['request']->getUri());
    self::assertSame([], $h->store->values, 'testing changes nothing');
  }

  /**
   * Cases for testTestButton().
   */
  public static function checks(): array {
    $json = static fn (array $data): Response => new Response(200, [], (string) json_encode($data));
    return [
      'it works' => [$json(['siteId' => FakeSite::SITE_ID, 'siteName' => 'Village', 'serverTime' => '2027-01-15T08:00:02.5Z']), Reason::Sent, -2],
      'the clock is a day ahead' => [$json(['siteId' => FakeSite::SITE_ID, 'serverTime' => '2027-01-14T08:00:00Z']), Reason::Sent, 86400],
      'the key of another site' => [$json(['siteId' => '11111111-2222-4333-8444-555555555555', 'siteName' => 'Town']), Reason::WrongSite, NULL],
      'a wrong key' => [new Response(401, [], '{"code":"unauthenticated","message":"unknown key"}'), Reason::KeyRefused, NULL],
      'a blog' => [new Response(200, [], '<html>'), Reason::NotDrumbeat, NULL],
      'a redirect' => [new Response(302, ['Location' => 'https://login.example/']), Reason::Redirect, NULL],
    ];
  }

}
