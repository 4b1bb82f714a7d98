<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Inventory;

/**
 * One module, theme or profile found on disk, as the report has it.
 */
final class Extension {

  private function __construct(
    public readonly string $name,
    public readonly string $type,
    public readonly bool $enabled,
    public readonly ?string $project,
    public readonly ?string $version,
    public readonly int $datestamp,
    public readonly string $title,
    public readonly string $pathKind,
    public readonly bool $hidden,
    public readonly string $lifecycle,
    public readonly string $package,
    public readonly string $statusUrl,
  ) {}

  /**
   * Makes one from what Drupal's extension list says.
   *
   * @param string $name
   *   The machine name.
   * @param string $type
   *   One of module, theme and profile.
   * @param bool $enabled
   *   Whether it is installed in Drupal's sense.
   * @param string $path
   *   The path below the Drupal root. Only its kind is kept.
   * @param array $info
   *   The info file's content after the site's alter hooks.
   *
   * @return self|null
   *   NULL when there is nothing that could be called a name.
   */
  public static function fromInfo(string $name, string $type, bool $enabled, string $path, array $info): ?self {
    $name = Text::clean($name, 128);
    if ($name === '') {
      return NULL;
    }
    // A project's name that is too long is none: cut, it could be another's.
    $project = Text::cleanOrNull($info['project'] ?? NULL, 129);
    if ($project === '' || mb_strlen((string) $project) > 128) {
      $project = NULL;
    }
    // Likewise an address: where the project publishes its releases instead of
    // drupal.org.
    $status_url = Text::clean($info['project status url'] ?? '', 2049);
    if (mb_strlen($status_url) > 2048) {
      $status_url = '';
    }
    return new self(
      $name,
      $type,
      $enabled,
      $project,
      Text::cleanOrNull($info['version'] ?? NULL, 128),
      Text::timestamp($info['datestamp'] ?? 0),
      Text::clean($info['name'] ?? '', 255),
      PathKind::of($path, $type),
      !empty($info['hidden']),
      Text::clean($info['lifecycle'] ?? '', 32),
      Text::clean($info['package'] ?? '', 255),
      $status_url,
    );
  }

  /**
   * The fields as the contract names them; what is empty is left out.
   *
   * @return array<string, string|int|bool>
   *   Ready for JSON.
   */
  public function toArray(): array {
    $fields = ['name' => $this->name, 'type' => $this->type];
    if ($this->enabled) {
      $fields['enabled'] = TRUE;
    }
    if ($this->project !== NULL) {
      $fields['project'] = $this->project;
    }
    if ($this->version !== NULL) {
      $fields['version'] = $this->version;
    }
    return $fields + array_filter([
      'datestamp' => $this->datestamp,
      'title' => $this->title,
      'pathKind' => $this->pathKind,
      'hidden' => $this->hidden,
      'lifecycle' => $this->lifecycle,
      'package' => $this->package,
      'statusUrl' => $this->statusUrl,
    ], static fn (string|int|bool $value): bool => $value !== '' && $value !== 0 && $value !== FALSE);
  }

}
