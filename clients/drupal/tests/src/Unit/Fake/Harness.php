<?php

declare(strict_types=1);

namespace Drupal\Tests\drumbeat\Unit\Fake;

use Drupal\drumbeat\Connection\KeyRing;
use Drupal\drumbeat\Delivery\AnswerReader;
use Drupal\drumbeat\Delivery\ConnectionTest;
use Drupal\drumbeat\Delivery\DeliveryState;
use Drupal\drumbeat\Delivery\Gate;
use Drupal\drumbeat\Delivery\GuzzleTransport;
use Drupal\drumbeat\Delivery\Outbox;
use Drupal\drumbeat\Delivery\Pusher;
use Drupal\drumbeat\Environment\EnvironmentDetector;
use Drupal\drumbeat\Environment\SiteSettings;
use Drupal\drumbeat\Inventory\InventoryCollector;
use Drupal\drumbeat\Report\ReportBuilder;
use GuzzleHttp\Client;
use GuzzleHttp\Handler\MockHandler;
use GuzzleHttp\HandlerStack;
use GuzzleHttp\Middleware;
use GuzzleHttp\Psr7\Response;
use Psr\Http\Message\RequestInterface;

/**
 * The module's real classes over a fake site and a real Guzzle.
 */
final class Harness {

  public FakeSite $site;
  public ArrayStore $store;
  public FakeClock $clock;
  public Keys $keys;
  public LogLines $log;
  public MockHandler $server;
  public Outbox $outbox;
  public Pusher $pusher;
  public ConnectionTest $test;
  public ReportBuilder $builder;

  /**
   * Environment variables of the fake site.
   *
   * @var array<string, string>
   */
  public array $variables = ['DRUMBEAT_ENVIRONMENT' => 'production'];

  /**
   * What Guzzle sent and got.
   *
   * @var array<int, array{request: \Psr\Http\Message\RequestInterface, options: array}>
   */
  public array $history = [];

  public function __construct() {
    $this->site = new FakeSite();
    $this->store = new ArrayStore();
    $this->clock = new FakeClock();
    $this->keys = new Keys();
    $this->log = new LogLines();
    $this->server = new MockHandler();
    $stack = HandlerStack::create($this->server);
    $stack->push(Middleware::history($this->history));
    $settings = new SiteSettings([]);
    $environment = new EnvironmentDetector($settings, $this->store, $this->site, fn(string $name): string|FALSE => $this->variables[$name] ?? FALSE);
    $gate = new Gate($this->site, new KeyRing([$this->keys]), $environment, $settings);
    $transport = new GuzzleTransport(new Client(['handler' => $stack]));
    $this->outbox = new Outbox($this->store);
    $this->builder = new ReportBuilder($this->site, $environment, $this->site, $this->clock);
    $this->test = new ConnectionTest($gate, $transport, new AnswerReader(), $this->clock);
    $this->pusher = new Pusher(
      $gate,
      new InventoryCollector($this->site, $this->site, $this->site),
      $this->builder,
      $this->outbox,
      $transport,
      new AnswerReader(),
      $this->site,
      $this->store,
      $this->site,
      $this->clock,
      $this->log,
    );
  }

  /**
   * Lets the server accept the next report.
   */
  public function accept(array $more = []): void {
    $this->server->append(function (RequestInterface $request) use ($more): Response {
      $report = self::decode($request);
      return new Response(200, ['Content-Type' => 'application/json'], (string) json_encode($more + ['reportId' => $report['reportId'], 'nextReportIn' => '3600s']));
    });
  }

  /**
   * Lets the server answer the next report with an error of its own.
   */
  public function refuse(int $status, string $code, string $message = 'no', array $headers = []): void {
    $this->server->append(new Response($status, $headers, (string) json_encode(['code' => $code, 'message' => $message])));
  }

  /**
   * The messages that were sent, oldest first.
   *
   * @return array<int, array<string, mixed>>
   *   As the server reads them.
   */
  public function sent(): array {
    return array_map(static fn (array $entry): array => self::decode($entry['request']), $this->history);
  }

  /**
   * What the module remembers.
   */
  public function state(): DeliveryState {
    return DeliveryState::load($this->store);
  }

  /**
   * Reads a request as a server does.
   *
   * @return array<string, mixed>
   *   The message.
   */
  public static function decode(RequestInterface $request): array {
    $body = (string) $request->getBody();
    if ($request->getHeaderLine('Content-Encoding') === 'gzip') {
      $body = (string) gzdecode($body);
    }
    return json_decode($body, TRUE, 64, JSON_THROW_ON_ERROR);
  }

}
