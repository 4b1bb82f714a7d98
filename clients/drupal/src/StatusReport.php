<?php

declare(strict_types=1);

namespace Drupal\drumbeat;

use Drupal\Core\StringTranslation\StringTranslationTrait;
use Drupal\Core\StringTranslation\TranslationInterface;
use Drupal\drumbeat\Connection\KeyRing;
use Drupal\drumbeat\Delivery\DeliveryState;
use Drupal\drumbeat\Delivery\Gate;
use Drupal\drumbeat\Delivery\Notice;
use Drupal\drumbeat\Delivery\Outbox;
use Drupal\drumbeat\Delivery\Reason;
use Drupal\drumbeat\Environment\EnvironmentDetector;
use Drupal\drumbeat\Options\OptionsSourceInterface;
use Drupal\drumbeat\State\StoreInterface;

/**
 * Says how it stands, for the status report, the form and Drush.
 */
final class StatusReport {

  use StringTranslationTrait;

  /**
   * How many missed intervals are too many.
   */
  private const MISSED = 3;

  public function __construct(
    private readonly Gate $gate,
    private readonly KeyRing $keys,
    private readonly EnvironmentDetector $environment,
    private readonly OptionsSourceInterface $options,
    private readonly Outbox $outbox,
    private readonly StoreInterface $store,
    private readonly ClockInterface $clock,
    private readonly NoticeFormatter $formatter,
    TranslationInterface $stringTranslation,
  ) {
    $this->setStringTranslation($stringTranslation);
  }

  /**
   * How bad it is.
   *
   * @return string
   *   One of ok, info, warning and error.
   */
  public function level(): string {
    $state = DeliveryState::load($this->store);
    $open = $this->gate->open();
    if ($open instanceof Notice) {
      return match ($open->reason) {
        Reason::NotConnected, Reason::EnvironmentUnnamed, Reason::BadAddress, Reason::NoKey => 'warning',
        Reason::BadKey => 'error',
        default => 'info',
      };
    }
    if ($state->stoppedFor === $open->fingerprint()) {
      return 'error';
    }
    $interval = max($this->options->options()->interval, $state->serverInterval);
    $late = $state->acceptedAt < $this->clock->now() - self::MISSED * $interval;
    if ($state->error !== NULL || $state->dropped !== NULL || $late || $this->formatter->skew($state->skew) !== NULL) {
      return 'warning';
    }
    return 'ok';
  }

  /**
   * The lines to show.
   *
   * @return array<string, \Drupal\Core\StringTranslation\TranslatableMarkup|string>
   *   Values by label; a label is a translated text.
   */
  public function lines(): array {
    $options = $this->options->options();
    $state = DeliveryState::load($this->store);
    $open = $this->gate->open();
    $environment = $this->environment->detect();
    $lines = [];
    $lines[(string) $this->t('Server')] = $options->serverUrl === '' ? $this->t('none') : $options->serverUrl;
    $lines[(string) $this->t('Site key')] = $this->formatter->keySource($this->keys->find()->source);
    $lines[(string) $this->t('Environment')] = $environment->name === '' ? $this->t('not named') : $environment->name;
    if ($open instanceof Notice) {
      $lines[(string) $this->t('Reporting')] = $this->formatter->format($open);
    }
    $lines[(string) $this->t('Last accepted report')] = $state->acceptedAt === 0 ? $this->t('none') : $this->t('@time (@trigger, @size kB, @millis ms)', [
      '@time' => $this->formatter->time($state->acceptedAt),
      '@trigger' => $state->acceptedTrigger,
      '@size' => number_format($state->acceptedBytes / 1000, 1, '.', ''),
      '@millis' => $state->acceptedMillis,
    ]);
    if ($state->error !== NULL) {
      $lines[(string) $this->t('Last error')] = $this->t('@time: @text', [
        '@time' => $this->formatter->time($state->errorAt),
        '@text' => $this->formatter->format($state->error),
      ]);
    }
    if ($state->dropped !== NULL) {
      $lines[(string) $this->t('Last refused report')] = $this->t('@time: @text', [
        '@time' => $this->formatter->time($state->droppedAt),
        '@text' => $this->formatter->format($state->dropped),
      ]);
    }
    $waiting = $this->outbox->count();
    if ($waiting > 0) {
      $lines[(string) $this->t('Waiting reports')] = (string) $waiting;
    }
    $until = max($state->retryAfterUntil, $state->backoffUntil);
    if ($waiting > 0 && $until > $this->clock->now()) {
      $lines[(string) $this->t('Next try')] = $this->formatter->time($until);
    }
    elseif (!$open instanceof Notice && $state->nextDue > 0) {
      $lines[(string) $this->t('Next report')] = $this->formatter->time($state->nextDue);
    }
    $skew = $this->formatter->skew($state->skew);
    if ($skew !== NULL) {
      $lines[(string) $this->t('Clock')] = $skew;
    }
    return $lines;
  }

}
