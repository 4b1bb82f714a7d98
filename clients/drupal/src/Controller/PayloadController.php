<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Controller;

use Drupal\Core\DependencyInjection\ContainerInjectionInterface;
use Drupal\Core\StringTranslation\StringTranslationTrait;
use Drupal\Core\StringTranslation\TranslationInterface;
use Drupal\drumbeat\Delivery\Preview;
use Symfony\Component\DependencyInjection\ContainerInterface;

/**
 * The page that shows the next report.
 */
final class PayloadController implements ContainerInjectionInterface {

  use StringTranslationTrait;

  public function __construct(
    private readonly Preview $preview,
    TranslationInterface $stringTranslation,
  ) {
    $this->setStringTranslation($stringTranslation);
  }

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container): self {
    return new self($container->get(Preview::class), $container->get('string_translation'));
  }

  /**
   * Builds the page.
   */
  public function __invoke(): array {
    $next = $this->preview->next();
    $build = [
      '#cache' => ['max-age' => 0],
      'next' => $this->json($next->json),
    ];
    if (!$next->full) {
      $build['why'] = [
        '#markup' => '<p>' . $this->t('Nothing has changed since the last report, so this is a heartbeat without lists. When something changes, the whole report is sent:') . '</p>',
      ];
      $build['full'] = $this->json($this->preview->next(TRUE)->json);
    }
    return $build;
  }

  /**
   * A message, indented for reading.
   */
  private function json(string $json): array {
    $pretty = json_encode(json_decode($json), JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
    return [
      '#type' => 'inline_template',
      '#template' => '<pre tabindex="0" style="overflow:auto;max-height:70vh">{{ json }}</pre>',
      '#context' => ['json' => (string) $pretty],
    ];
  }

}
