<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Connection;

use Drupal\drumbeat\Options\OptionsSourceInterface;

/**
 * An entity of the Key module, where that module is installed.
 */
final class KeyModuleProvider implements KeyProviderInterface {

  /**
   * Takes the Key module's repository, whose class may not exist here.
   *
   * @param \Drupal\drumbeat\Options\OptionsSourceInterface $options
   *   Knows the chosen key entity.
   * @param \Drupal\key\KeyRepositoryInterface|null $repository
   *   The Key module's service; NULL without the module.
   */
  public function __construct(
    private readonly OptionsSourceInterface $options,
    private readonly ?object $repository = NULL,
  ) {}

  /**
   * {@inheritdoc}
   */
  public function source(): KeySource {
    return KeySource::KeyModule;
  }

  /**
   * {@inheritdoc}
   */
  public function text(): ?string {
    $id = $this->options->options()->keyId;
    if ($id === '' || $this->repository === NULL) {
      return NULL;
    }
    $value = $this->repository->getKey($id)?->getKeyValue();
    return is_string($value) && $value !== '' ? $value : NULL;
  }

}
