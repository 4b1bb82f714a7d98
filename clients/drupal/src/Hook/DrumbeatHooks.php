<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Hook;

use Drupal\Core\Extension\Requirement\RequirementSeverity;
use Drupal\Core\Hook\Attribute\Hook;
use Drupal\Core\Routing\RouteMatchInterface;
use Drupal\Core\StringTranslation\StringTranslationTrait;
use Drupal\Core\StringTranslation\TranslationInterface;
use Drupal\Core\Url;
use Drupal\drumbeat\Delivery\PushAfterResponse;
use Drupal\drumbeat\Delivery\Pusher;
use Drupal\drumbeat\Report\Trigger;
use Drupal\drumbeat\StatusReport;

/**
 * Hooks of the module.
 *
 * Before Drupal 11.1 the functions in drumbeat.module call these.
 */
final class DrumbeatHooks {

  use StringTranslationTrait;

  public function __construct(
    private readonly Pusher $pusher,
    private readonly PushAfterResponse $later,
    private readonly StatusReport $status,
    TranslationInterface $stringTranslation,
  ) {
    $this->setStringTranslation($stringTranslation);
  }

  /**
   * Implements hook_cron().
   */
  #[Hook('cron')]
  public function cron(): void {
    $this->pusher->push(Trigger::Cron);
  }

  /**
   * Implements hook_modules_installed().
   */
  #[Hook('modules_installed')]
  public function modulesInstalled(array $modules, bool $is_syncing = FALSE): void {
    $this->later->want(Trigger::Install);
  }

  /**
   * Implements hook_modules_uninstalled().
   */
  #[Hook('modules_uninstalled')]
  public function modulesUninstalled(array $modules, bool $is_syncing = FALSE): void {
    $this->later->want(Trigger::Install);
  }

  /**
   * Implements hook_themes_installed().
   */
  #[Hook('themes_installed')]
  public function themesInstalled(array $themes): void {
    $this->later->want(Trigger::Install);
  }

  /**
   * Implements hook_themes_uninstalled().
   */
  #[Hook('themes_uninstalled')]
  public function themesUninstalled(array $themes): void {
    $this->later->want(Trigger::Install);
  }

  /**
   * Implements hook_runtime_requirements().
   */
  #[Hook('runtime_requirements')]
  public function runtimeRequirements(): array {
    $requirement = $this->requirement();
    $requirement['severity'] = match ($this->status->level()) {
      'error' => RequirementSeverity::Error,
      'warning' => RequirementSeverity::Warning,
      'info' => RequirementSeverity::Info,
      default => RequirementSeverity::OK,
    };
    return ['drumbeat' => $requirement];
  }

  /**
   * The line of the status report, for Drupal before 11.2.
   */
  public function legacyRequirements(): array {
    $requirement = $this->requirement();
    $requirement['severity'] = match ($this->status->level()) {
      'error' => REQUIREMENT_ERROR,
      'warning' => REQUIREMENT_WARNING,
      'info' => REQUIREMENT_INFO,
      default => REQUIREMENT_OK,
    };
    return ['drumbeat' => $requirement];
  }

  /**
   * Implements hook_help().
   */
  #[Hook('help')]
  public function help(string $route_name, RouteMatchInterface $route_match): ?string {
    return match ($route_name) {
      'help.page.drumbeat' => '<p>' . $this->t('Drumbeat tells a server which versions of Drupal, modules, themes and PHP this site runs, so that its people hear of security updates that are missing. The site calls the server; nothing can call in. It sends no users, no content and no settings: <a href=":url">see what is sent</a>.', [':url' => Url::fromRoute('drumbeat.payload')->toString()]) . '</p>',
      'drumbeat.payload' => '<p>' . $this->t('This is the next report, word for word. Its id and time are made anew when it is sent. The site key travels in a header beside it.') . '</p>',
      default => NULL,
    };
  }

  /**
   * The line without its severity.
   */
  private function requirement(): array {
    $lines = $this->status->lines();
    $items = [];
    foreach ($lines as $label => $value) {
      $items[] = $this->t('@label: @value', ['@label' => $label, '@value' => $value]);
    }
    return [
      'title' => $this->t('Drumbeat'),
      'value' => match ($this->status->level()) {
        'error' => $this->t('Stopped'),
        'warning' => $this->t('Needs attention'),
        'info' => $this->t('Silent'),
        default => $this->t('Reporting'),
      },
      'description' => ['#theme' => 'item_list', '#items' => $items],
    ];
  }

}
