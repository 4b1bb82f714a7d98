<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

/**
 * Everything a run can end with. NoticeFormatter has the sentence for each.
 */
enum Reason: string {

  // Why nothing was tried.
  case Off = 'off';
  case NotConnected = 'not_connected';
  case NoKey = 'no_key';
  case BadKey = 'bad_key';
  case BadAddress = 'bad_address';
  case EnvironmentUnnamed = 'environment_unnamed';
  case EnvironmentSilent = 'environment_silent';
  case EnvironmentCopied = 'environment_copied';
  case Stopped = 'stopped';
  case Busy = 'busy';
  case NotDue = 'not_due';
  case Waiting = 'waiting';

  // What became of a report.
  case Sent = 'sent';
  case Dropped = 'dropped';
  case KeyRefused = 'key_refused';
  case Gone = 'gone';
  case WrongSite = 'wrong_site';
  case TooMany = 'too_many';
  case Unavailable = 'unavailable';
  case ServerError = 'server_error';
  case Redirect = 'redirect';
  case NotDrumbeat = 'not_drumbeat';
  case Timeout = 'timeout';
  case Certificate = 'certificate';
  case UnknownHost = 'unknown_host';
  case NoConnection = 'no_connection';
  case Unexpected = 'unexpected';

}
