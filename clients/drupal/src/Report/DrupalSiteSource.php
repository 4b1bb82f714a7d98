<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Report;

use Drupal\Core\Config\ConfigFactoryInterface;
use Drupal\Core\Extension\ModuleExtensionList;
use Drupal\drumbeat\Environment\SiteSettings;
use Drupal\drumbeat\State\StoreInterface;
use Symfony\Component\HttpFoundation\RequestStack;

/**
 * The site as Drupal knows it.
 */
final class DrupalSiteSource implements SiteSourceInterface {

  private const NAME = 'site_url';

  public function __construct(
    private readonly ConfigFactoryInterface $configFactory,
    private readonly ModuleExtensionList $modules,
    private readonly SiteSettings $settings,
    private readonly StoreInterface $store,
    private readonly RequestStack $requests,
  ) {}

  /**
   * {@inheritdoc}
   */
  public function site(): Site {
    return new Site((string) $this->configFactory->get('system.site')->get('name'), $this->url());
  }

  /**
   * {@inheritdoc}
   */
  public function agentVersion(): string {
    $version = $this->modules->getExtensionInfo('drumbeat')['version'] ?? NULL;
    return is_string($version) && $version !== '' ? $version : 'dev';
  }

  /**
   * {@inheritdoc}
   */
  public function seenAt(string $url): void {
    $this->store->set(self::NAME, $url);
  }

  /**
   * The base URL from whoever can be believed.
   *
   * Never the Host header of an anonymous request that runs cron: anyone can
   * write that.
   */
  private function url(): string {
    $url = $this->settings->text('url') ?? $this->store->get(self::NAME);
    if (is_string($url) && $url !== '') {
      return $url;
    }
    // On the command line the address is what --uri said, or a placeholder.
    $request = PHP_SAPI === 'cli' ? $this->requests->getCurrentRequest() : NULL;
    $host = (string) $request?->getHost();
    return $request === NULL || in_array($host, ['', 'default', 'localhost'], TRUE) ? '' : $request->getSchemeAndHttpHost() . $request->getBasePath();
  }

}
