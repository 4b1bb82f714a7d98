<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Drush\Commands;

use Consolidation\AnnotatedCommand\CommandData;
use Consolidation\AnnotatedCommand\Hooks\HookManager;
use Drupal\Component\Render\MarkupInterface;
use Drupal\Component\Render\PlainTextOutput;
use Drupal\drumbeat\Connection\InvalidConnectionString;
use Drupal\drumbeat\Connector;
use Drupal\drumbeat\Delivery\ConnectionTest;
use Drupal\drumbeat\Delivery\Preview;
use Drupal\drumbeat\Delivery\Pusher;
use Drupal\drumbeat\NoticeFormatter;
use Drupal\drumbeat\Report\Trigger;
use Drupal\drumbeat\StatusReport;
use Drush\Attributes as CLI;
use Drush\Commands\AutowireTrait;
use Drush\Commands\DrushCommands;

/**
 * Commands for those who connect and watch sites from a shell.
 */
final class DrumbeatCommands extends DrushCommands {

  use AutowireTrait;

  public function __construct(
    private readonly Connector $connector,
    private readonly ConnectionTest $connectionTest,
    private readonly Pusher $pusher,
    private readonly Preview $preview,
    private readonly StatusReport $status,
    private readonly NoticeFormatter $notices,
  ) {
    parent::__construct();
  }

  /**
   * Connects the site to a Drumbeat server and tests the connection.
   *
   * A string on the command line stays in the shell's history and is seen in
   * the list of processes; so it is read from standard input or asked for
   * where none is given.
   */
  #[CLI\Command(name: 'drumbeat:connect')]
  #[CLI\Argument(name: 'connection', description: 'The connection string; - or nothing to read it from standard input.')]
  #[CLI\Option(name: 'environment', description: 'What this installation is, where settings.php and the host do not say it.')]
  #[CLI\Usage(name: 'drush drumbeat:connect - --environment=production < connection.txt', description: 'Connects with the line in a file.')]
  public function connect(?string $connection = NULL, array $options = ['environment' => 'production']): int {
    if ($connection === NULL || $connection === '-') {
      $connection = (string) stream_get_contents(STDIN, 16384);
    }
    try {
      $this->connector->connect($this->connector->parse($connection));
    }
    catch (InvalidConnectionString $exception) {
      $this->logger()->error($this->plain($this->notices->fault($exception->fault)));
      return self::EXIT_FAILURE;
    }
    $this->connector->nameEnvironment((string) $options['environment']);
    return $this->test();
  }

  /**
   * Forgets the server and the key that is in the database.
   */
  #[CLI\Command(name: 'drumbeat:disconnect')]
  public function disconnect(): int {
    $this->connector->disconnect();
    $this->logger()->success('The site is not connected any more.');
    return self::EXIT_SUCCESS;
  }

  /**
   * Asks the server whose key this is.
   */
  #[CLI\Command(name: 'drumbeat:test')]
  public function test(): int {
    $result = $this->connectionTest->run();
    $skew = $this->notices->skew($result->skew);
    if ($skew !== NULL) {
      $this->logger()->warning($this->plain($skew));
    }
    if (!$result->isSuccess()) {
      $this->logger()->error($this->plain($this->notices->format($result->notice)));
      return self::EXIT_FAILURE;
    }
    $this->logger()->success(dt('The connection works. On the server this site is "@name".', ['@name' => $result->notice->values['name'] ?? '']));
    return self::EXIT_SUCCESS;
  }

  /**
   * Sends a report now.
   */
  #[CLI\Command(name: 'drumbeat:push')]
  public function push(): int {
    $outcome = $this->pusher->push(Trigger::Manual);
    $text = $this->plain($this->notices->format($outcome->notice));
    if ($outcome->isSuccess()) {
      $this->logger()->success($text);
      return self::EXIT_SUCCESS;
    }
    $this->logger()->error($text);
    return self::EXIT_FAILURE;
  }

  /**
   * Shows the next report without sending it.
   */
  #[CLI\Command(name: 'drumbeat:payload')]
  #[CLI\Option(name: 'full', description: 'With all lists, even where a heartbeat would do.')]
  public function payload(array $options = ['full' => FALSE]): int {
    $json = $this->preview->next((bool) $options['full'])->json;
    $this->output()->writeln((string) json_encode(json_decode($json), JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE));
    return self::EXIT_SUCCESS;
  }

  /**
   * Shows how it stands.
   */
  #[CLI\Command(name: 'drumbeat:status')]
  public function status(): int {
    foreach ($this->status->lines() as $label => $value) {
      $this->output()->writeln($label . ': ' . $this->plain($value));
    }
    return $this->status->level() === 'error' ? self::EXIT_FAILURE : self::EXIT_SUCCESS;
  }

  /**
   * Reports after database updates.
   */
  #[CLI\Hook(type: HookManager::POST_COMMAND_HOOK, target: 'updatedb')]
  public function afterUpdate(mixed $result, CommandData $data): void {
    $this->pusher->push(Trigger::PostUpdate);
  }

  /**
   * Reports after a deployment.
   */
  #[CLI\Hook(type: HookManager::POST_COMMAND_HOOK, target: 'deploy')]
  public function afterDeploy(mixed $result, CommandData $data): void {
    $this->pusher->push(Trigger::PostUpdate);
  }

  /**
   * A text for a terminal: what is escaped for a page is not.
   */
  private function plain(MarkupInterface|string $text): string {
    return PlainTextOutput::renderFromHtml($text);
  }

}
