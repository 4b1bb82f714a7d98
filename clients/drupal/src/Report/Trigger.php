<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Report;

/**
 * Why a report is sent, in the contract's words.
 */
enum Trigger: string {

  case Cron = 'cron';
  case PostUpdate = 'post-update';
  case Install = 'install';
  case Manual = 'manual';

}
