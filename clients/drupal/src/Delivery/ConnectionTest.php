<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

use Drupal\drumbeat\ClockInterface;
use Drupal\drumbeat\Connection\Connection;

/**
 * Asks the server whose key this is, without reporting anything.
 */
final class ConnectionTest {

  public function __construct(
    private readonly Gate $gate,
    private readonly TransportInterface $transport,
    private readonly AnswerReader $reader,
    private readonly ClockInterface $clock,
  ) {}

  /**
   * Tests the configured connection.
   *
   * @return \Drupal\drumbeat\Delivery\ConnectionTestResult
   *   What it found; it never throws.
   */
  public function run(): ConnectionTestResult {
    try {
      $connection = $this->gate->connection();
      return $connection instanceof Notice ? new ConnectionTestResult($connection) : $this->ask($connection);
    }
    catch (\Throwable $throwable) {
      return new ConnectionTestResult(new Notice(Reason::Unexpected, ['detail' => get_class($throwable) . ': ' . $throwable->getMessage()]));
    }
  }

  /**
   * Asks.
   */
  private function ask(Connection $connection): ConnectionTestResult {
    try {
      $answer = $this->transport->post($connection->serverUrl . '/drumbeat.ingest.v1.IngestService/CheckConnection', $connection->key, '{}', Pusher::BUDGET);
    }
    catch (TransportFailure $failure) {
      return new ConnectionTestResult($failure->notice);
    }
    $now = $this->clock->now();
    $skew = $this->reader->skew($answer, $now);
    $data = json_decode($answer->body, TRUE, 8);
    $data = is_array($data) ? $data : [];
    if ($answer->status !== 200) {
      return new ConnectionTestResult($this->reader->readError($answer, $data, $now, $skew)->notice, $skew);
    }
    $siteId = is_string($data['siteId'] ?? NULL) ? $data['siteId'] : '';
    $name = is_string($data['siteName'] ?? NULL) ? $data['siteName'] : '';
    if ($siteId === '') {
      return new ConnectionTestResult(new Notice(Reason::NotDrumbeat, ['status' => 200]), $skew);
    }
    $serverTime = is_string($data['serverTime'] ?? NULL) ? strtotime($data['serverTime']) : FALSE;
    if ($serverTime !== FALSE) {
      $skew = $now - $serverTime;
    }
    if ($connection->siteId !== '' && strtolower($siteId) !== $connection->siteId) {
      return new ConnectionTestResult(new Notice(Reason::WrongSite, ['name' => $name]), $skew);
    }
    return new ConnectionTestResult(new Notice(Reason::Sent, ['name' => $name]), $skew);
  }

}
