<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

use Drupal\drumbeat\ClockInterface;
use Drupal\drumbeat\Connection\Connection;
use Drupal\drumbeat\Connection\SiteKey;
use Drupal\drumbeat\Inventory\InventoryCollector;
use Drupal\drumbeat\Options\OptionsSourceInterface;
use Drupal\drumbeat\Report\ReportBuilder;
use Drupal\drumbeat\Report\Trigger;
use Drupal\drumbeat\State\LockInterface;
use Drupal\drumbeat\State\StoreInterface;
use Psr\Log\LoggerInterface;
use Symfony\Component\DependencyInjection\Attribute\Autowire;

/**
 * Builds the reports that are due and sends those that wait.
 *
 * It runs in cron and behind other people's requests. So it never throws,
 * never takes longer than its budget, and sends nothing twice in a run that
 * failed once.
 */
final class Pusher {

  /**
   * The most seconds that sending may take in one run.
   */
  public const BUDGET = 10.0;

  /**
   * A change seen in cron waits this long after the last report, in seconds.
   */
  private const CHANGE_GAP = 60;

  /**
   * After an update without a change, a report this young will do, in seconds.
   */
  private const RECENT = 300;

  public function __construct(
    private readonly Gate $gate,
    private readonly InventoryCollector $collector,
    private readonly ReportBuilder $builder,
    private readonly Outbox $outbox,
    private readonly TransportInterface $transport,
    private readonly AnswerReader $reader,
    private readonly OptionsSourceInterface $options,
    private readonly StoreInterface $store,
    private readonly LockInterface $lock,
    private readonly ClockInterface $clock,
    #[Autowire(service: 'logger.channel.drumbeat')]
    private readonly LoggerInterface $logger,
  ) {}

  /**
   * Does what is to be done now.
   *
   * @param \Drupal\drumbeat\Report\Trigger $trigger
   *   Cron reports when it is due. Everything else reports at once. Only a
   *   person, by Manual, is not held up by earlier failures.
   */
  public function push(Trigger $trigger): Outcome {
    try {
      $connection = $this->gate->open();
      if ($connection instanceof Notice) {
        return new Outcome($connection);
      }
      if (!$this->lock->acquire()) {
        return new Outcome(new Notice(Reason::Busy), 0, $this->outbox->count());
      }
      try {
        return $this->run($connection, $trigger);
      }
      finally {
        $this->lock->release();
      }
    }
    catch (\Throwable $throwable) {
      return new Outcome($this->surprise($throwable));
    }
  }

  /**
   * Notes that a report is wanted, for the next cron to make if nobody else.
   */
  public function want(Trigger $trigger): void {
    try {
      if (!$this->gate->open() instanceof Connection || !$this->lock->acquire()) {
        return;
      }
      try {
        $state = DeliveryState::load($this->store);
        $state->pendingTrigger = $trigger->value;
        $state->save($this->store);
      }
      finally {
        $this->lock->release();
      }
    }
    catch (\Throwable $throwable) {
      $this->surprise($throwable);
    }
  }

  /**
   * Builds and sends, under the lock.
   */
  private function run(Connection $connection, Trigger $trigger): Outcome {
    $started = $this->clock->monotonic();
    $state = $this->state($connection);
    $manual = $trigger === Trigger::Manual;
    if (!$manual && $state->stoppedFor === $connection->fingerprint()) {
      return new Outcome(new Notice(Reason::Stopped, ['detail' => (string) ($state->error?->values['message'] ?? '')]), 0, $this->outbox->count());
    }

    $this->build($state, $connection, $trigger);

    $now = $this->clock->now();
    $until = $manual ? $state->retryAfterUntil : max($state->retryAfterUntil, $state->backoffUntil);
    if ($this->outbox->count() === 0) {
      return new Outcome(new Notice(Reason::NotDue, ['until' => $state->nextDue]));
    }
    // A clock that was set back must not silence the site for years.
    if ($now < $until && $until - $now <= 2 * 86400) {
      return new Outcome(new Notice(Reason::Waiting, ['until' => $until]), 0, $this->outbox->count());
    }
    return $this->drain($state, $connection, $started);
  }

  /**
   * Reads what is remembered, unless it is about another server or site.
   */
  private function state(Connection $connection): DeliveryState {
    $state = DeliveryState::load($this->store);
    if ($state->target !== $connection->target()) {
      $this->outbox->clear();
      $state = new DeliveryState();
      $state->target = $connection->target();
    }
    return $state;
  }

  /**
   * Puts a report into the outbox when one is due.
   */
  private function build(DeliveryState $state, Connection $connection, Trigger $trigger): void {
    $now = $this->clock->now();
    $wanted = Trigger::tryFrom($state->pendingTrigger);
    if ($trigger === Trigger::Cron && $wanted !== NULL) {
      $trigger = $wanted;
    }
    // A due time far ahead was set by a clock that was wrong.
    $due = $now >= $state->nextDue || $state->nextDue - $now > 2 * 604800 || $now < $state->builtAt;
    $fresh = $due || $trigger !== Trigger::Cron;
    $inventory = $this->collector->collect($fresh);

    if (!$fresh) {
      $changed = $inventory->codeHash !== $state->builtCodeHash && $now >= $state->builtAt + self::CHANGE_GAP;
      if (!$changed) {
        return;
      }
      // What is cached says so; look at the disk before telling anyone.
      $inventory = $this->collector->collect(TRUE);
    }
    $automatic = $trigger === Trigger::PostUpdate || $trigger === Trigger::Install;
    if ($automatic && !$due && $inventory->hash === $state->acceptedHash && $this->outbox->count() === 0 && $now < $state->acceptedAt + self::RECENT) {
      $state->pendingTrigger = '';
      $state->save($this->store);
      return;
    }
    // One that waits and says the same need not wait twice.
    if ($this->outbox->newestHash() === $inventory->hash && (!$automatic || $this->outbox->newestTrigger() === $trigger)) {
      $state->nextDue = $this->next($state, $connection, $now);
      $state->save($this->store);
      return;
    }
    $known = $this->outbox->newestFullHash() ?? $state->acceptedHash;
    $report = $this->builder->build($inventory, $trigger, $state->fullReportNeeded || $inventory->hash !== $known);
    $this->outbox->add($report);
    $state->builtCodeHash = $inventory->codeHash;
    $state->builtAt = $now;
    $state->pendingTrigger = '';
    $state->nextDue = $this->next($state, $connection, $now);
    $state->save($this->store);
  }

  /**
   * Sends what waits, oldest first, until it fails or the budget is used up.
   */
  private function drain(DeliveryState $state, Connection $connection, float $started): Outcome {
    $sent = 0;
    $notice = new Notice(Reason::NotDue, ['until' => $state->nextDue]);
    $askedForLists = FALSE;
    while (($report = $this->outbox->oldest()) !== NULL) {
      $left = self::BUDGET - ($this->clock->monotonic() - $started);
      if ($left < 1.0) {
        break;
      }
      $before = $this->clock->monotonic();
      $verdict = $this->send($connection, $report->id, $report->json, $left);
      $now = $this->clock->now();
      $state->skew = $verdict->skew ?? $state->skew;
      $notice = $verdict->notice;
      switch ($verdict->action) {
        case Action::Forget:
          $sent++;
          $this->outbox->remove($report->id);
          $state->acceptedAt = $now;
          $state->acceptedTrigger = $report->trigger->value;
          $state->acceptedBytes = strlen($report->json);
          $state->acceptedMillis = (int) round(($this->clock->monotonic() - $before) * 1000);
          if ($report->full) {
            $state->acceptedHash = $report->hash;
          }
          $state->fullReportNeeded = $verdict->fullReportNeeded;
          $state->serverInterval = $verdict->nextReportIn ?? $state->serverInterval;
          $state->nextDue = $this->next($state, $connection, $now);
          $this->recover($state);
          break;

        case Action::Drop:
          $this->outbox->remove($report->id);
          $state->dropped = $verdict->notice;
          $state->droppedAt = $now;
          $this->recover($state);
          $this->log('The server refused a report: @status @message', $verdict->notice);
          break;

        case Action::Stop:
          $state->stoppedFor = $connection->fingerprint();
          $this->fail($state, $connection, $verdict, $now);
          $this->log('The server refused the connection, nothing more is sent: @status @message', $verdict->notice);
          break;

        case Action::Keep:
          $this->fail($state, $connection, $verdict, $now);
          break;
      }
      $state->save($this->store);
      if ($verdict->action === Action::Keep || $verdict->action === Action::Stop) {
        break;
      }
      if ($verdict->fullReportNeeded && !$askedForLists && $this->outbox->count() === 0) {
        // Once a run: a server that is never content gets the next at the
        // next due time.
        $askedForLists = TRUE;
        $this->outbox->add($this->builder->build($this->collector->collect(FALSE), $report->trigger, TRUE));
      }
    }
    return new Outcome($notice, $sent, $this->outbox->count());
  }

  /**
   * Sends one report.
   */
  private function send(Connection $connection, string $id, string $json, float $timeout): Verdict {
    try {
      $answer = $this->transport->post($connection->serverUrl . '/drumbeat.ingest.v1.IngestService/SubmitReport', $connection->key, $json, $timeout);
      return $this->reader->read($answer, $id, $this->clock->now());
    }
    catch (TransportFailure $failure) {
      return new Verdict(Action::Keep, $failure->notice);
    }
  }

  /**
   * Notes that the server can be talked to.
   */
  private function recover(DeliveryState $state): void {
    $state->failures = 0;
    $state->backoffUntil = 0;
    $state->retryAfterUntil = 0;
    $state->stoppedFor = '';
    $state->error = NULL;
    $state->errorAt = 0;
  }

  /**
   * Notes that it cannot, and when to try again.
   */
  private function fail(DeliveryState $state, Connection $connection, Verdict $verdict, int $now): void {
    $state->failures++;
    $state->error = $verdict->notice;
    $state->errorAt = $now;
    if ($verdict->retryAfter !== NULL) {
      $state->retryAfterUntil = $now + $verdict->retryAfter;
      $state->backoffUntil = 0;
    }
    else {
      $state->backoffUntil = $now + Schedule::backoff($state->failures, $connection->target());
      $state->retryAfterUntil = 0;
    }
  }

  /**
   * When the next report is due.
   */
  private function next(DeliveryState $state, Connection $connection, int $now): int {
    return Schedule::next($now, $this->options->options()->interval, $state->serverInterval, $connection->target());
  }

  /**
   * Writes what the server said into the log.
   */
  private function log(string $text, Notice $notice): void {
    try {
      $this->logger->error($text, [
        '@status' => $notice->values['status'] ?? '',
        '@message' => $notice->values['message'] ?? '',
      ]);
    }
    catch (\Throwable) {
      // The log is in the database that may be what is broken.
    }
  }

  /**
   * Keeps what must not happen from reaching cron.
   */
  private function surprise(\Throwable $throwable): Notice {
    $detail = get_class($throwable) . ': ' . $throwable->getMessage();
    $notice = new Notice(Reason::Unexpected, ['detail' => $detail]);
    try {
      $this->logger->error('Reporting failed unexpectedly: @detail in @file, line @line.', [
        '@detail' => SiteKey::redact($notice->values['detail']),
        '@file' => basename($throwable->getFile()),
        '@line' => $throwable->getLine(),
      ]);
      $state = DeliveryState::load($this->store);
      $state->error = $notice;
      $state->errorAt = $this->clock->now();
      $state->save($this->store);
    }
    catch (\Throwable) {
      // A read-only database cannot be told, either.
    }
    return $notice;
  }

}
