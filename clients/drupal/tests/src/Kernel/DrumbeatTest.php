<?php

declare(strict_types=1);

namespace Drupal\Tests\drumbeat\Kernel;

use Drupal\Core\Form\FormState;
use Drupal\drumbeat\Connection\ConnectionString;
use Drupal\drumbeat\Connection\KeySource;
use Drupal\drumbeat\Connection\SiteKey;
use Drupal\drumbeat\Connector;
use Drupal\drumbeat\Delivery\DeliveryState;
use Drupal\drumbeat\Delivery\Preview;
use Drupal\drumbeat\Form\SettingsForm;
use Drupal\drumbeat\Inventory\Extension;
use Drupal\drumbeat\Inventory\InventoryCollector;
use Drupal\drumbeat\State\KeyValueStore;
use Drupal\drumbeat\State\StoreInterface;
use Drupal\drumbeat\StatusReport;
use Drupal\KernelTests\KernelTestBase;
use GuzzleHttp\Client;
use GuzzleHttp\Handler\MockHandler;
use GuzzleHttp\HandlerStack;
use GuzzleHttp\Middleware;
use GuzzleHttp\Psr7\Response;
use PHPUnit\Framework\Attributes\Group;
use PHPUnit\Framework\Attributes\RunTestsInSeparateProcesses;
use Psr\Http\Message\RequestInterface;

/**
 * The module inside a real Drupal: run by hand on a site before a release.
 *
 * @group drumbeat
 */
#[Group('drumbeat')]
#[RunTestsInSeparateProcesses]
final class DrumbeatTest extends KernelTestBase {

  private const SITE_ID = '3b1b0dd8-5a40-4f4e-9a53-0d6f7b8c9d01';
  private const KEY = 'dbt_site_A1b2C3d4E5A1b2C3d4E5A1b2C3d4E54MOn04';

  /**
   * {@inheritdoc}
   */
  protected static $modules = ['system', 'user', 'drumbeat'];

  /**
   * What was sent.
   *
   * @var array
   */
  private array $history = [];

  /**
   * What the server will answer.
   */
  private MockHandler $server;

  /**
   * {@inheritdoc}
   */
  protected function setUp(): void {
    $this->server = new MockHandler();
    parent::setUp();
    $this->installConfig(['system', 'drumbeat']);
    $this->useMock();
  }

  /**
   * Puts the mock in the place of the HTTP client.
   */
  private function useMock(): void {
    $stack = HandlerStack::create($this->server);
    $stack->push(Middleware::history($this->history));
    $this->container->set('http_client', new Client(['handler' => $stack]));
  }

  /**
   * Lets the server accept the next report.
   */
  private function accept(): void {
    $this->server->append(static function (RequestInterface $request): Response {
      return new Response(200, [], (string) json_encode(['reportId' => self::decode($request)['reportId'], 'nextReportIn' => '3600s']));
    });
  }

  /**
   * Reads a request as a server does.
   */
  private static function decode(RequestInterface $request): array {
    $body = (string) $request->getBody();
    return json_decode($request->getHeaderLine('Content-Encoding') === 'gzip' ? (string) gzdecode($body) : $body, TRUE);
  }

  /**
   * Connects the site.
   */
  private function connect(): void {
    $key = SiteKey::parse(self::KEY);
    $connector = $this->container->get(Connector::class);
    $source = $connector->connect($connector->parse(ConnectionString::format('https://drumbeat.example', self::SITE_ID, $key)));
    self::assertSame(KeySource::Database, $source);
    $connector->nameEnvironment('production');
  }

  /**
   * Cron sends once, in this version's way of finding hooks.
   */
  public function testCron(): void {
    $this->container->get('cron')->run();
    self::assertCount(0, $this->history, 'not connected');

    $this->connect();
    $this->accept();
    self::assertTrue($this->container->get('cron')->run());
    self::assertTrue($this->container->get('cron')->run());
    self::assertCount(1, $this->history);

    $message = self::decode($this->history[0]['request']);
    self::assertSame(\Drupal::VERSION, $message['platform']['drupalVersion']);
    self::assertSame(PHP_VERSION, $message['platform']['phpVersion']);
    self::assertSame('production', $message['site']['environment']);
    self::assertArrayNotHasKey('url', $message['site'], 'the placeholder of the command line is no address');
    $names = array_column($message['extensions'], NULL, 'name');
    self::assertTrue($names['drumbeat']['enabled']);
    self::assertSame('core', $names['system']['pathKind']);
    self::assertArrayNotHasKey('enabled', $names['node']);
    self::assertContains('theme', array_column($message['extensions'], 'type'));
    self::assertContains('profile', array_column($message['extensions'], 'type'));
    $text = (string) json_encode($message, JSON_UNESCAPED_SLASHES);
    self::assertStringNotContainsString(\Drupal::root(), $text);
    self::assertStringNotContainsString('core/modules', $text);
  }

  /**
   * What is cached and what is on disk hash alike.
   */
  public function testCachedListIsTheSame(): void {
    // Without a profile, what lies in profiles comes and goes.
    $this->setInstallProfile('minimal');
    $extensions = static fn (bool $fresh): array => array_map(
      static fn (Extension $extension): array => $extension->toArray(),
      \Drupal::service(InventoryCollector::class)->collect($fresh)->extensions,
    );
    $first = $extensions(FALSE);
    self::assertSame($first, $extensions(TRUE));
    self::assertSame($first, $extensions(FALSE));
    drupal_flush_all_caches();
    self::assertSame($first, $extensions(FALSE));
    self::assertSame($first, $extensions(TRUE));
  }

  /**
   * Installing a module reports after the response.
   */
  public function testModuleInstall(): void {
    $this->connect();
    $this->accept();
    $this->container->get('cron')->run();
    $this->container->get('module_installer')->install(['path_alias']);
    $this->container = \Drupal::getContainer();
    $state = DeliveryState::load($this->container->get(StoreInterface::class));
    self::assertSame('install', $state->pendingTrigger);
  }

  /**
   * A cron that throws inside goes on.
   */
  public function testThrowingServer(): void {
    $this->connect();
    $this->server->append(static function (): void {
      throw new \TypeError('broken');
    });
    self::assertTrue($this->container->get('cron')->run());
    self::assertSame('warning', $this->container->get(StatusReport::class)->level());
  }

  /**
   * The key is in no configuration, and gone when the module is.
   */
  public function testKeyIsNotInConfiguration(): void {
    $this->connect();
    foreach ($this->container->get('config.storage')->listAll() as $name) {
      self::assertStringNotContainsString(self::KEY, serialize($this->container->get('config.storage')->read($name)));
    }
    self::assertNotSame([], \Drupal::keyValue(KeyValueStore::COLLECTION)->getAll());
    \Drupal::moduleHandler()->loadInclude('drumbeat', 'install');
    drumbeat_uninstall();
    self::assertSame([], \Drupal::keyValue(KeyValueStore::COLLECTION)->getAll());
  }

  /**
   * The form connects, and does not show the string again.
   */
  public function testForm(): void {
    $values = [
      'connection_string' => ConnectionString::format('https://drumbeat.example', self::SITE_ID, SiteKey::parse(self::KEY)),
      'environment' => 'production',
      'enabled' => TRUE,
      'interval' => 60,
      'reporting_environments' => "live\nproduction\n",
    ];
    $state = (new FormState())->setValues($values);
    \Drupal::formBuilder()->submitForm(SettingsForm::class, $state);
    self::assertSame([], $state->getErrors());
    $config = $this->config('drumbeat.settings');
    self::assertSame('https://drumbeat.example', $config->get('server_url'));
    self::assertSame(self::SITE_ID, $config->get('site_id'));
    self::assertSame(['live', 'production'], $config->get('reporting_environments'));
    $violations = $this->container->get('config.typed')->createFromNameAndData('drumbeat.settings', $config->getRawData())->validate();
    self::assertCount(0, $violations, (string) $violations);

    $form = \Drupal::formBuilder()->getForm(SettingsForm::class);
    $html = (string) $this->container->get('renderer')->renderRoot($form);
    self::assertStringContainsString('Save and send now', $html);
    self::assertStringNotContainsString('dbt_site_', $html);
    self::assertStringNotContainsString(substr($values['connection_string'], 9, 40), $html);

    $state = (new FormState())->setValues(['connection_string' => 'nonsense'] + $values);
    \Drupal::formBuilder()->submitForm(SettingsForm::class, $state);
    self::assertArrayHasKey('connection_string', $state->getErrors());
  }

  /**
   * What is shown is what is sent.
   */
  public function testPreview(): void {
    $this->connect();
    $preview = json_decode($this->container->get(Preview::class)->next()->json, TRUE);
    $this->accept();
    $this->container->get('cron')->run();
    $sent = self::decode($this->history[0]['request']);
    foreach (['reportId', 'collectedAt'] as $name) {
      unset($preview[$name], $sent[$name]);
    }
    self::assertSame($preview, $sent);
    self::assertFalse($this->container->get(Preview::class)->next()->full);
    self::assertTrue($this->container->get(Preview::class)->next(TRUE)->full);
  }

  /**
   * The status report has one line of ours.
   */
  public function testRequirements(): void {
    require_once \Drupal::root() . '/core/includes/install.inc';
    \Drupal::moduleHandler()->loadInclude('drumbeat', 'install');
    // Other modules look for the anonymous user.
    $this->installEntitySchema('user');
    $this->connect();
    $requirements = $this->container->get('system.manager')->listRequirements();
    self::assertArrayHasKey('drumbeat', $requirements);
    $description = (string) $this->container->get('renderer')->renderInIsolation($requirements['drumbeat']['description']);
    self::assertStringContainsString('https://drumbeat.example', $description);
    self::assertStringNotContainsString('dbt_site_', $description);
  }

}
