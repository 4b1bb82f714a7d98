<?php

/**
 * @file
 * Stands for the parts of Drupal 7 that the module calls, and for its store.
 */

define('HTTP_REQUEST_TIMEOUT', -1);
define('WATCHDOG_ERROR', 3);

/**
 * A whole site whose parts a test can change.
 */
final class DrumbeatFake {

  public const SITE_ID = '3b1b0dd8-5a40-4f4e-9a53-0d6f7b8c9d01';
  public const KEY = 'dbt_site_A1b2C3d4E5A1b2C3d4E5A1b2C3d4E54MOn04';

  public static $variables;
  public static $store;
  public static $readOnly;
  public static $locked;
  public static $log;
  public static $now;
  public static $monotonic;
  public static $rows;
  public static $sapi;
  public static $place;
  public static $scans;
  public static $answers;
  public static $requests;
  public static $broken;

  /**
   * Makes a connected site with one module.
   */
  public static function reset() {
    self::$variables = array('drumbeat_server_url' => 'https://drumbeat.example', 'drumbeat_site_id' => self::SITE_ID, 'site_name' => 'Village', 'drumbeat_url' => 'https://village.example');
    self::$store = array('key' => serialize(self::KEY));
    self::$readOnly = self::$locked = FALSE;
    self::$log = self::$answers = self::$requests = array();
    self::$now = 1800000000;
    self::$monotonic = 0.0;
    self::$rows = array(self::module('8.x-1.15'));
    self::$sapi = 'cli';
    self::$place = 'here';
    self::$scans = 0;
    self::$broken = NULL;
    $GLOBALS['conf'] = array('drumbeat_environment' => 'production');
  }

  /**
   * A contributed module of the given version.
   */
  public static function module($version, $name = 'token') {
    return array(
      'name' => $name,
      'type' => 'module',
      'enabled' => TRUE,
      'path' => 'sites/all/modules/contrib/' . $name,
      'info' => array('name' => 'Token', 'project' => $name, 'version' => $version, 'datestamp' => '1447900441'),
    );
  }

  /**
   * Lets the server answer the next request.
   */
  public static function answer($code, $data = '', array $headers = array(), $error = '') {
    self::$answers[] = array($code, is_array($data) ? json_encode($data) : $data, $headers, $error);
  }

  /**
   * Lets the server accept the next report.
   */
  public static function accept(array $more = array()) {
    self::$answers[] = $more + array('nextReportIn' => '3600s');
  }

  /**
   * The messages that were sent.
   */
  public static function sent() {
    return array_map(function ($request) {
      $body = $request[1]['data'];
      return json_decode(isset($request[1]['headers']['Content-Encoding']) ? gzdecode($body) : $body, TRUE);
    }, self::$requests);
  }

}

/**
 * Stands for Drupal's variable_get().
 */
function variable_get($name, $default = NULL) {
  return array_key_exists($name, DrumbeatFake::$variables) ? DrumbeatFake::$variables[$name] : $default;
}

/**
 * Stands for Drupal's variable_set().
 */
function variable_set($name, $value) {
  DrumbeatFake::$variables[$name] = $value;
}

/**
 * Stands for Drupal's lock_acquire().
 */
function lock_acquire($name, $timeout) {
  return DrumbeatFake::$locked ? FALSE : DrumbeatFake::$locked = TRUE;
}

/**
 * Stands for Drupal's lock_release().
 */
function lock_release($name) {
  DrumbeatFake::$locked = FALSE;
}

/**
 * Stands for Drupal's watchdog().
 */
function watchdog($type, $message, $variables = array(), $severity = 5) {
  DrumbeatFake::$log[] = strtr($message, array_map('strval', $variables));
}

/**
 * Stands for Drupal's drupal_http_request().
 */
function drupal_http_request($url, array $options) {
  DrumbeatFake::$requests[] = array($url, $options);
  $answer = array_shift(DrumbeatFake::$answers);
  if (isset($answer['nextReportIn'])) {
    $sent = DrumbeatFake::sent();
    $answer = array(200, json_encode($answer + array('reportId' => end($sent)['reportId'])), array(), '');
  }
  [$code, $data, $headers, $error] = $answer;
  return (object) array('code' => $code, 'data' => $data, 'headers' => $headers, 'error' => $error);
}

/**
 * Stands for the module's store.
 */
function drumbeat_store_get($name) {
  return isset(DrumbeatFake::$store[$name]) ? unserialize(DrumbeatFake::$store[$name]) : NULL;
}

/**
 * Stands for the module's store.
 */
function drumbeat_store_set($name, $value) {
  if (DrumbeatFake::$readOnly) {
    throw new RuntimeException('attempt to write a readonly database');
  }
  DrumbeatFake::$store[$name] = serialize($value);
}

/**
 * Stands for the module's store.
 */
function drumbeat_store_delete(array $names) {
  foreach ($names as $name) {
    unset(DrumbeatFake::$store[$name]);
  }
}

/**
 * Stands for the clock.
 */
function drumbeat_now() {
  return DrumbeatFake::$now;
}

/**
 * Stands for the clock.
 */
function drumbeat_monotonic() {
  return DrumbeatFake::$monotonic;
}

/**
 * Stands for what Drupal knows of the site.
 */
function drumbeat_source_extensions($fresh) {
  if (DrumbeatFake::$broken) {
    throw DrumbeatFake::$broken;
  }
  DrumbeatFake::$scans += (int) $fresh;
  return DrumbeatFake::$rows;
}

/**
 * Stands for what Drupal knows of the site.
 */
function drumbeat_source_platform() {
  return array('drupalVersion' => '7.105', 'phpVersion' => '7.4.33', 'phpSapi' => DrumbeatFake::$sapi, 'dbDriver' => 'mysql', 'dbVersion' => '10.11.19-MariaDB', 'profile' => 'standard');
}

/**
 * Stands for what Drupal knows of the site.
 */
function drumbeat_source_site() {
  return array('name' => variable_get('site_name'), 'url' => variable_get('drumbeat_url'));
}

/**
 * Stands for what Drupal knows of the site.
 */
function drumbeat_source_agent_version() {
  return '7.x-1.0';
}

/**
 * Stands for what Drupal knows of the site.
 */
function drumbeat_source_place() {
  return DrumbeatFake::$place;
}

foreach (array('connection', 'report', 'delivery') as $part) {
  require_once dirname(__DIR__) . '/includes/drumbeat.' . $part . '.inc';
}
