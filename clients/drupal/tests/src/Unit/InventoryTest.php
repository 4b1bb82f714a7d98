<?php

declare(strict_types=1);

namespace Drupal\Tests\drumbeat\Unit;

use Drupal\drumbeat\Inventory\ComposerPackage;
use Drupal\drumbeat\Inventory\Extension;
use Drupal\drumbeat\Inventory\InstalledPackageSource;
use Drupal\drumbeat\Inventory\Inventory;
use Drupal\drumbeat\Inventory\PathKind;
use Drupal\drumbeat\Inventory\Platform;
use Drupal\drumbeat\Inventory\Text;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\Group;
use PHPUnit\Framework\TestCase;

/**
 * What is taken from a site, and in which form.
 *
 * @group drumbeat
 */
#[Group('drumbeat')]
final class InventoryTest extends TestCase {

  /**
   * Text that can be sent.
   *
   * @dataProvider texts
   */
  #[DataProvider('texts')]
  public function testText(mixed $value, string $expected): void {
    self::assertSame($expected, Text::clean($value, 10));
  }

  /**
   * Cases for testText().
   */
  public static function texts(): array {
    return [
      'plain text stays' => ['Token', 'Token'],
      'umlauts stay' => ['Bücherei', 'Bücherei'],
      'the limit counts characters, not bytes' => ['ääääääääääää', 'ääääääääää'],
      'invalid UTF-8 is replaced' => ["To\xFFken", 'To?ken'],
      'cut UTF-8 is replaced' => ["Token\xC3", 'Token?'],
      'NUL is left out' => ["To\0ken", 'Token'],
      'line breaks become blanks' => ["a\r\nb", 'a b'],
      'marks that turn text around are left out' => ["a\u{202E}b", 'ab'],
      'a number is text' => [7, '7'],
      'NULL is empty' => [NULL, ''],
      'a list is empty' => [['a'], ''],
    ];
  }

  /**
   * Times that can be sent.
   */
  public function testTimestamp(): void {
    self::assertSame(1447900441, Text::timestamp('1447900441'));
    self::assertSame(0, Text::timestamp(-5));
    self::assertSame(0, Text::timestamp('yesterday'));
    self::assertSame(0, Text::timestamp('9e30'));
    self::assertSame(0, Text::timestamp(NULL));
    self::assertSame(0, Text::timestamp([]));
  }

  /**
   * Where an extension lies.
   *
   * @dataProvider paths
   */
  #[DataProvider('paths')]
  public function testPathKind(string $path, string $type, string $expected): void {
    self::assertSame($expected, PathKind::of($path, $type));
  }

  /**
   * Cases for testPathKind().
   */
  public static function paths(): array {
    return [
      'a module of core' => ['core/modules/node', 'module', 'core'],
      'a profile of core' => ['core/profiles/minimal', 'profile', 'core'],
      'a contributed module' => ['modules/contrib/token', 'module', 'contrib'],
      'a submodule' => ['modules/contrib/webform/modules/webform_ui', 'module', 'contrib'],
      'a custom theme' => ['themes/custom/village', 'theme', 'custom'],
      'one of a single site' => ['sites/village.example/modules/custom/x', 'module', 'custom'],
      'one that nobody sorted' => ['modules/token', 'module', ''],
      "a profile's module" => ['profiles/contrib/thunder/modules/contrib/x', 'module', 'profile'],
      'a contributed profile' => ['profiles/contrib/thunder', 'profile', 'contrib'],
      'a profile that nobody sorted' => ['profiles/thunder', 'profile', 'profile'],
      'not a word within a name' => ['modules/contributed/x', 'module', ''],
      'backslashes' => ['core\\modules\\node', 'module', 'core'],
    ];
  }

  /**
   * Info files as real sites have them.
   *
   * @dataProvider infos
   */
  #[DataProvider('infos')]
  public function testExtension(string $name, string $type, bool $enabled, string $path, array $info, ?array $expected): void {
    self::assertSame($expected, Extension::fromInfo($name, $type, $enabled, $path, $info)?->toArray());
  }

  /**
   * Cases for testExtension().
   */
  public static function infos(): array {
    return [
      'contrib from a tarball' => [
        'token', 'module', TRUE, 'modules/contrib/token',
        ['name' => 'Token', 'package' => 'Other', 'version' => '8.x-1.15', 'project' => 'token', 'datestamp' => 1722206215, 'lifecycle' => 'stable', 'mtime' => 1],
        ['name' => 'token', 'type' => 'module', 'enabled' => TRUE, 'project' => 'token', 'version' => '8.x-1.15', 'datestamp' => 1722206215, 'title' => 'Token', 'pathKind' => 'contrib', 'lifecycle' => 'stable', 'package' => 'Other'],
      ],
      'a release server of its own' => [
        'acme', 'module', TRUE, 'modules/contrib/acme',
        ['name' => 'Acme', 'version' => '1.0.0', 'project' => 'acme', 'project status url' => 'https://updates.acme.example/history'],
        ['name' => 'acme', 'type' => 'module', 'enabled' => TRUE, 'project' => 'acme', 'version' => '1.0.0', 'title' => 'Acme', 'pathKind' => 'contrib', 'statusUrl' => 'https://updates.acme.example/history'],
      ],
      'an address that is too long is none' => [
        'acme', 'module', TRUE, 'modules/contrib/acme',
        ['name' => 'Acme', 'project' => 'acme', 'project status url' => 'https://updates.acme.example/' . str_repeat('x', 2048)],
        ['name' => 'acme', 'type' => 'module', 'enabled' => TRUE, 'project' => 'acme', 'title' => 'Acme', 'pathKind' => 'contrib'],
      ],
      'core from Composer has no project' => [
        'node', 'module', TRUE, 'core/modules/node',
        ['name' => 'Node', 'package' => 'Core', 'version' => '11.4.5'],
        ['name' => 'node', 'type' => 'module', 'enabled' => TRUE, 'version' => '11.4.5', 'title' => 'Node', 'pathKind' => 'core', 'package' => 'Core'],
      ],
      'a checkout has no version' => [
        'thing', 'module', FALSE, 'modules/custom/thing',
        ['name' => 'Thing', 'version' => NULL],
        ['name' => 'thing', 'type' => 'module', 'title' => 'Thing', 'pathKind' => 'custom'],
      ],
      'an empty version is not an absent one' => [
        'thing', 'module', FALSE, 'modules/thing',
        ['version' => ''],
        ['name' => 'thing', 'type' => 'module', 'version' => ''],
      ],
      'hidden' => [
        'minimal', 'profile', TRUE, 'core/profiles/minimal',
        ['hidden' => TRUE],
        ['name' => 'minimal', 'type' => 'profile', 'enabled' => TRUE, 'pathKind' => 'core', 'hidden' => TRUE],
      ],
      'rubbish in every field' => [
        "x\xFF", 'theme', FALSE, '',
        ['name' => ['a'], 'project' => str_repeat('p', 200), 'version' => "1\0.0", 'datestamp' => 'never', 'lifecycle' => [], 'package' => new \stdClass(), 'hidden' => 'yes'],
        ['name' => 'x?', 'type' => 'theme', 'version' => '1.0', 'hidden' => TRUE],
      ],
      'no name at all' => ["\0", 'module', TRUE, 'modules/x', [], NULL],
    ];
  }

  /**
   * The hash is that of what is there, in whatever order it was found.
   */
  public function testHash(): void {
    $a = Extension::fromInfo('a', 'module', TRUE, 'modules/a', ['version' => '1.0.0']);
    $b = Extension::fromInfo('b', 'module', FALSE, 'modules/b', []);
    $newer = Extension::fromInfo('a', 'module', TRUE, 'modules/a', ['version' => '1.0.1']);
    $platform = new Platform('10.4.2', '8.2.36', 'cli', 'sqlite', '3.40.1', 'minimal');
    $web = new Platform('10.4.2', '8.3.1', 'fpm-fcgi', 'sqlite', '3.40.1', 'minimal');
    $one = new Inventory($platform, [$b, $a], []);
    self::assertSame($one->hash, (new Inventory($platform, [$a, $b], []))->hash);
    self::assertSame(64, strlen($one->hash));
    self::assertNotSame($one->hash, (new Inventory($platform, [$newer, $b], []))->hash);
    self::assertNotSame($one->codeHash, (new Inventory($platform, [$newer, $b], []))->codeHash);
    self::assertNotSame($one->hash, (new Inventory($web, [$a, $b], []))->hash);
    self::assertSame($one->codeHash, (new Inventory($web, [$a, $b], []))->codeHash);
  }

  /**
   * A site of more than 5,000 extensions loses those that do not run.
   */
  public function testTooManyExtensions(): void {
    $all = [];
    for ($i = 0; $i < 5100; $i++) {
      $all[] = Extension::fromInfo('m' . $i, 'module', $i >= 5090, 'modules/x', []);
    }
    $inventory = new Inventory(new Platform('10.4.2', '', '', '', '', ''), $all, []);
    self::assertCount(5000, $inventory->extensions);
    self::assertCount(10, array_filter($inventory->extensions, static fn (Extension $extension): bool => $extension->enabled));
  }

  /**
   * Composer's file, in its forms.
   */
  public function testComposerPackages(): void {
    $package = ComposerPackage::fromInstalled([
      'name' => 'drupal/token',
      'version' => '1.15.0',
      'type' => 'drupal-module',
      'source' => ['type' => 'git', 'url' => 'https://secret:word@git.example/token.git', 'reference' => '8.x-1.15'],
      'extra' => ['drupal' => ['version' => '8.x-1.15', 'datestamp' => '1722206210', 'security-coverage' => ['status' => 'covered', 'message' => 'Covered by …']]],
    ]);
    self::assertSame([
      'name' => 'drupal/token',
      'version' => '1.15.0',
      'reference' => '8.x-1.15',
      'drupalVersion' => '8.x-1.15',
      'datestamp' => 1722206210,
      'securityCoverage' => 'covered',
    ], $package?->toArray());
    self::assertNull(ComposerPackage::fromInstalled(['name' => 'symfony/yaml', 'version' => '7.2.0']));
    self::assertNull(ComposerPackage::fromInstalled(['name' => ['drupal/x']]));
    self::assertSame(['name' => 'drupal/x'], ComposerPackage::fromInstalled(['name' => 'drupal/x', 'extra' => 'none', 'source' => NULL])?->toArray());
  }

  /**
   * The site's own vendor folder is the one with Drupal in it.
   */
  public function testInstalledPackages(): void {
    $root = sys_get_temp_dir() . '/drumbeat-' . bin2hex(random_bytes(6));
    $write = static function (string $name, string $content) use ($root): string {
      mkdir("$root/$name/composer", 0700, TRUE);
      file_put_contents("$root/$name/composer/installed.json", $content);
      return "$root/$name";
    };
    try {
      $drush = $write('drush', '{"packages":[{"name":"drush/drush","version":"13.0.0"}]}');
      $site = $write('site', '{"packages":[{"name":"drupal/core","version":"10.4.2"},{"name":"drupal/token","version":"1.15.0"},{"name":"symfony/yaml"},"rubbish"],"dev":true}');
      $old = $write('old', '[{"name":"drupal/core","version":"10.3.0"}]');
      $broken = $write('broken', '{"packages":');
      $names = static fn (array $packages): array => array_map(static fn (ComposerPackage $package): string => $package->name, $packages);
      self::assertSame(['drupal/core', 'drupal/token'], $names((new InstalledPackageSource([$drush, $site]))->packages()));
      self::assertSame(['drupal/core'], $names((new InstalledPackageSource([$old]))->packages()));
      self::assertSame([], (new InstalledPackageSource([$drush, $broken, "$root/none"]))->packages());
    }
    finally {
      foreach (glob("$root/*/composer/*") ?: [] as $file) {
        unlink($file);
        rmdir(dirname($file));
        rmdir(dirname($file, 2));
      }
      rmdir($root);
    }
  }

}
