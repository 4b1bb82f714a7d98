<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Form;

use Drupal\Core\Config\ConfigFactoryInterface;
use Drupal\Core\Config\TypedConfigManagerInterface;
use Drupal\Core\Extension\ModuleHandlerInterface;
use Drupal\Core\Form\ConfigFormBase;
use Drupal\Core\Form\FormStateInterface;
use Drupal\drumbeat\Connection\InvalidConnectionString;
use Drupal\drumbeat\Connection\KeySource;
use Drupal\drumbeat\Connector;
use Drupal\drumbeat\Delivery\ConnectionTest;
use Drupal\drumbeat\Delivery\Pusher;
use Drupal\drumbeat\Environment\EnvironmentDetector;
use Drupal\drumbeat\Environment\EnvironmentSource;
use Drupal\drumbeat\NoticeFormatter;
use Drupal\drumbeat\Report\SiteSourceInterface;
use Drupal\drumbeat\Report\Trigger;
use Drupal\drumbeat\StatusReport;
use Symfony\Component\DependencyInjection\ContainerInterface;

/**
 * Connects the site: paste one line, press one button.
 */
final class SettingsForm extends ConfigFormBase {

  public function __construct(
    ConfigFactoryInterface $config_factory,
    TypedConfigManagerInterface $typed_config,
    private readonly Connector $connector,
    private readonly ConnectionTest $connectionTest,
    private readonly Pusher $pusher,
    private readonly EnvironmentDetector $environment,
    private readonly SiteSourceInterface $site,
    private readonly StatusReport $status,
    private readonly NoticeFormatter $notices,
    private readonly ModuleHandlerInterface $modules,
  ) {
    parent::__construct($config_factory, $typed_config);
  }

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container): self {
    return new self(
      $container->get('config.factory'),
      $container->get('config.typed'),
      $container->get(Connector::class),
      $container->get(ConnectionTest::class),
      $container->get(Pusher::class),
      $container->get(EnvironmentDetector::class),
      $container->get(SiteSourceInterface::class),
      $container->get(StatusReport::class),
      $container->get(NoticeFormatter::class),
      $container->get('module_handler'),
    );
  }

  /**
   * {@inheritdoc}
   */
  public function getFormId(): string {
    return 'drumbeat_settings';
  }

  /**
   * {@inheritdoc}
   */
  protected function getEditableConfigNames(): array {
    return ['drumbeat.settings'];
  }

  /**
   * {@inheritdoc}
   */
  public function buildForm(array $form, FormStateInterface $form_state): array {
    $config = $this->config('drumbeat.settings');
    $connected = $config->get('server_url') !== '';

    $items = [];
    foreach ($this->status->lines() as $label => $value) {
      $items[] = $this->t('@label: @value', ['@label' => $label, '@value' => $value]);
    }
    $form['status'] = [
      '#type' => 'details',
      '#title' => $this->t('How it stands'),
      '#open' => $connected,
      'lines' => ['#theme' => 'item_list', '#items' => $items],
    ];

    $form['connection_string'] = [
      '#type' => 'textarea',
      '#title' => $connected ? $this->t('Connect again') : $this->t('Connection string'),
      '#description' => $this->t('Paste the line that the Drumbeat server shows under "Connect a site". It holds the address, the site and the key, and is not shown again.'),
      '#rows' => 3,
      '#attributes' => ['autocomplete' => 'off', 'spellcheck' => 'false'],
    ];

    $environment = $this->environment->detect();
    $own = $environment->source->isOurs();
    $form['environment'] = [
      '#type' => 'textfield',
      '#title' => $this->t('Environment'),
      '#description' => $own
        ? $this->t('What this installation is, for example production. It is kept for this installation only, so that copies stay silent.')
        : $this->t('Named outside of Drupal, by settings.php or the host.'),
      '#default_value' => $environment->source === EnvironmentSource::Nobody ? 'production' : $environment->name,
      '#maxlength' => 64,
      '#disabled' => !$own || $environment->source === EnvironmentSource::Copied,
    ];
    if ($environment->source === EnvironmentSource::Copied) {
      $form['environment']['#description'] = $this->t('This looks like a copy of the site that was connected.');
      $form['environment_here'] = [
        '#type' => 'textfield',
        '#title' => $this->t('Let this copy report, as'),
        '#description' => $this->t('Leave empty to keep it silent. A copy needs a key of its own: connect it as a new site.'),
        '#maxlength' => 64,
      ];
    }

    $form['enabled'] = [
      '#type' => 'checkbox',
      '#title' => $this->t('Report to the server'),
      '#default_value' => $config->get('enabled'),
    ];

    $form['more'] = [
      '#type' => 'details',
      '#title' => $this->t('More'),
      '#open' => FALSE,
    ];
    $form['more']['interval'] = [
      '#type' => 'number',
      '#title' => $this->t('Least time between two reports'),
      '#field_suffix' => $this->t('minutes'),
      '#description' => $this->t('Updates are reported at once. The server can ask for a longer time.'),
      '#min' => 5,
      '#max' => 10080,
      '#default_value' => intdiv((int) $config->get('interval'), 60),
      '#required' => TRUE,
    ];
    $form['more']['reporting_environments'] = [
      '#type' => 'textarea',
      '#title' => $this->t('Environments that report'),
      '#description' => $this->t('One a line. They count where settings.php or the host names the environment.'),
      '#rows' => 4,
      '#default_value' => implode("\n", (array) $config->get('reporting_environments')),
    ];
    if ($this->modules->moduleExists('key')) {
      $form['more']['key_id'] = [
        '#type' => 'key_select',
        '#title' => $this->t('Key'),
        '#description' => $this->t('Takes the site key from the Key module instead of the database.'),
        '#empty_option' => $this->t('- None -'),
        '#default_value' => $config->get('key_id'),
      ];
    }

    $form = parent::buildForm($form, $form_state);
    $form['actions']['test'] = [
      '#type' => 'submit',
      '#value' => $this->t('Save and test connection'),
      '#submit' => ['::submitForm', '::test'],
    ];
    if ($connected) {
      $form['actions']['send'] = [
        '#type' => 'submit',
        '#value' => $this->t('Save and send now'),
        '#submit' => ['::submitForm', '::send'],
      ];
    }
    return $form;
  }

  /**
   * {@inheritdoc}
   */
  public function validateForm(array &$form, FormStateInterface $form_state): void {
    $text = trim((string) $form_state->getValue('connection_string'));
    if ($text !== '') {
      try {
        $this->connector->parse($text);
      }
      catch (InvalidConnectionString $exception) {
        $form_state->setErrorByName('connection_string', $this->notices->fault($exception->fault));
      }
    }
    parent::validateForm($form, $form_state);
  }

  /**
   * {@inheritdoc}
   */
  public function submitForm(array &$form, FormStateInterface $form_state): void {
    $names = preg_split('/\R/', (string) $form_state->getValue('reporting_environments')) ?: [];
    $names = array_values(array_unique(array_filter(array_map('trim', $names), static fn (string $name): bool => $name !== '')));
    sort($names);
    $config = $this->config('drumbeat.settings')
      ->set('enabled', (bool) $form_state->getValue('enabled'))
      ->set('interval', (int) $form_state->getValue('interval') * 60)
      ->set('reporting_environments', array_map(static fn (string $name): string => mb_substr($name, 0, 64), $names));
    if ($form_state->hasValue('key_id')) {
      $config->set('key_id', (string) $form_state->getValue('key_id'));
    }
    $config->save();

    $text = trim((string) $form_state->getValue('connection_string'));
    if ($text !== '') {
      $source = $this->connector->connect($this->connector->parse($text));
      if ($source !== KeySource::Database) {
        $this->messenger()->addWarning($this->t('The key in the connection string was not kept, because there is one in: @source.', ['@source' => $this->notices->keySource($source)]));
      }
      // Not kept in the form, where a rebuild would print it.
      $form_state->setValue('connection_string', '');
    }
    if ($this->config('drumbeat.settings')->get('server_url') !== '') {
      $name = $form_state->getValue('environment_here') ?? $form_state->getValue('environment');
      if (is_string($name)) {
        $this->connector->nameEnvironment(trim($name));
      }
      $request = $this->getRequest();
      $this->site->seenAt($request->getSchemeAndHttpHost() . $request->getBasePath());
    }
    parent::submitForm($form, $form_state);
  }

  /**
   * Tests the connection that was saved.
   */
  public function test(array &$form, FormStateInterface $form_state): void {
    $result = $this->connectionTest->run();
    if ($result->isSuccess()) {
      $this->messenger()->addStatus($this->t('The connection works. On the server this site is "@name".', ['@name' => $result->notice->values['name'] ?? '']));
    }
    else {
      $this->messenger()->addError($this->notices->format($result->notice));
    }
    $skew = $this->notices->skew($result->skew);
    if ($skew !== NULL) {
      $this->messenger()->addWarning($skew);
    }
  }

  /**
   * Sends a report.
   */
  public function send(array &$form, FormStateInterface $form_state): void {
    $outcome = $this->pusher->push(Trigger::Manual);
    if ($outcome->isSuccess()) {
      $this->messenger()->addStatus($this->notices->format($outcome->notice));
    }
    else {
      $this->messenger()->addError($this->notices->format($outcome->notice));
    }
  }

}
