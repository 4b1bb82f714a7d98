<?php

declare(strict_types=1);

namespace Drupal\drumbeat;

use Drupal\Core\Datetime\DateFormatterInterface;
use Drupal\Core\StringTranslation\StringTranslationTrait;
use Drupal\Core\StringTranslation\TranslatableMarkup;
use Drupal\Core\StringTranslation\TranslationInterface;
use Drupal\drumbeat\Connection\ConnectionFault;
use Drupal\drumbeat\Connection\KeySource;
use Drupal\drumbeat\Delivery\Notice;
use Drupal\drumbeat\Delivery\Reason;

/**
 * Words notices, in the reader's language.
 */
final class NoticeFormatter {

  use StringTranslationTrait;

  public function __construct(
    TranslationInterface $stringTranslation,
    private readonly DateFormatterInterface $dateFormatter,
  ) {
    $this->setStringTranslation($stringTranslation);
  }

  /**
   * The sentence for a notice.
   */
  public function format(Notice $notice): TranslatableMarkup {
    $values = $notice->values;
    $args = [];
    foreach (['environment', 'name', 'status', 'host', 'location', 'detail', 'message', 'source'] as $name) {
      $args['@' . $name] = (string) ($values[$name] ?? '');
    }
    $args['@until'] = isset($values['until']) ? $this->time((int) $values['until']) : '';

    return match ($notice->reason) {
      Reason::Off => $this->t('Reporting is switched off.'),
      Reason::NotConnected => $this->t('The site is not connected to a Drumbeat server yet.'),
      Reason::NoKey => $this->t('There is no site key: set DRUMBEAT_KEY, put it into settings.php or paste a connection string.'),
      Reason::BadKey => $this->t('The site key is not complete or has a typing error.'),
      Reason::BadAddress => $this->t('The server address must begin with https://. Plain http:// is for this machine only, unless settings.php allows it.'),
      Reason::EnvironmentUnnamed => $this->t('Nobody has said which environment this is, so it keeps silent.'),
      Reason::EnvironmentSilent => $this->t('The environment "@environment" is not one of those that report.', $args),
      Reason::EnvironmentCopied => $this->t('This looks like a copy of the site that was connected as "@environment", so it keeps silent. Connect it again, or name the environment in settings.php.', $args),
      Reason::Stopped => $this->t('Nothing is sent since the server refused this connection. Test it, or connect again with a new key. @detail', $args),
      Reason::Busy => $this->t('Another process is sending right now.'),
      Reason::NotDue => $this->t('Nothing to send before @until.', $args),
      Reason::Waiting => $this->t('Sending is tried again after @until.', $args),
      Reason::Sent => $this->t('The server accepted it.'),
      Reason::Dropped => $this->t('The server would not have a report, and it was dropped (@status): @message', $args),
      Reason::KeyRefused => $this->t('The server does not accept this site key (@status): @message', $args),
      Reason::Gone => $this->t('The server does not know this site any more (@status): @message', $args),
      Reason::WrongSite => $this->t('The key belongs to another site: "@name".', $args),
      Reason::TooMany => $this->t('The server asks for fewer reports (429). They wait.'),
      Reason::Unavailable => $this->t('The server cannot take reports right now (503). They wait.'),
      Reason::ServerError => $this->t('The server had an error (@status). The reports wait.', $args),
      Reason::Redirect => $this->t('The address redirects to @location (@status). Redirects are not followed: connect with the address that answers itself.', $args),
      Reason::NotDrumbeat => $this->t('What answers at this address is not a Drumbeat server (@status). A proxy, a firewall or a login page may be in between.', $args),
      Reason::Timeout => $this->t('@host did not answer in time.', $args),
      Reason::Certificate => $this->t('The certificate of @host cannot be trusted, or the encryption failed: @detail', $args),
      Reason::UnknownHost => $this->t('There is no server by the name @host.', $args),
      Reason::NoConnection => $this->t('@host cannot be reached: @detail', $args),
      Reason::Unexpected => $this->t('Something went wrong that should not: @detail', $args),
    };
  }

  /**
   * The sentence for a connection string that is none.
   */
  public function fault(ConnectionFault $fault): TranslatableMarkup {
    return match ($fault) {
      ConnectionFault::NotOne => $this->t('This is not a connection string. It is one line that begins with "drumbeat:".'),
      ConnectionFault::Incomplete => $this->t('The connection string is not complete. Copy the whole line.'),
      ConnectionFault::OtherVersion => $this->t('The connection string is for a newer version of this module.'),
      ConnectionFault::BadAddress => $this->t('The connection string has a server address that does not begin with https://.'),
    };
  }

  /**
   * The words for where a key is.
   */
  public function keySource(?KeySource $source): TranslatableMarkup {
    return match ($source) {
      NULL => $this->t('nowhere'),
      KeySource::Environment => $this->t('environment variable DRUMBEAT_KEY'),
      KeySource::Settings => $this->t('settings.php'),
      KeySource::KeyModule => $this->t('Key module'),
      KeySource::Database => $this->t("the site's database"),
    };
  }

  /**
   * The sentence for clocks that disagree; NULL when they agree well enough.
   *
   * @param int|null $skew
   *   How far this clock is ahead, in seconds.
   */
  public function skew(?int $skew): ?TranslatableMarkup {
    if ($skew === NULL || abs($skew) <= 300) {
      return NULL;
    }
    $args = ['@time' => $this->dateFormatter->formatInterval(abs($skew), 2)];
    return $skew > 0
      ? $this->t("This site's clock is @time ahead of the server's.", $args)
      : $this->t("This site's clock is @time behind the server's.", $args);
  }

  /**
   * A point in time.
   */
  public function time(int $timestamp): string {
    return $this->dateFormatter->format($timestamp, 'short');
  }

}
