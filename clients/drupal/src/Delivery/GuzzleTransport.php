<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

use Drupal\drumbeat\Connection\SiteKey;
use GuzzleHttp\ClientInterface;
use GuzzleHttp\Exception\GuzzleException;
use GuzzleHttp\Psr7\DroppingStream;
use GuzzleHttp\Psr7\Utils;

/**
 * Posts with the site's HTTP client.
 */
final class GuzzleTransport implements TransportInterface {

  /**
   * The most seconds to wait for a connection.
   */
  private const CONNECT_TIMEOUT = 3.0;

  /**
   * The most bytes of an answer that are read.
   */
  private const MAX_ANSWER = 65536;

  /**
   * Bodies from this size on are compressed, in bytes.
   */
  private const COMPRESS_FROM = 1024;

  /**
   * Numbers of curl errors that are about the certificate or TLS.
   */
  private const TLS_ERRORS = [35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91];

  public function __construct(private readonly ClientInterface $client) {}

  /**
   * {@inheritdoc}
   */
  public function post(string $url, SiteKey $key, string $json, float $timeout): Answer {
    $headers = [
      'Authorization' => 'Bearer ' . $key->reveal(),
      'Content-Type' => 'application/json',
      'Accept' => 'application/json',
    ];
    $body = $json;
    if (strlen($json) >= self::COMPRESS_FROM && function_exists('gzencode')) {
      $packed = gzencode($json, 6);
      if ($packed !== FALSE) {
        $headers['Content-Encoding'] = 'gzip';
        $body = $packed;
      }
    }
    try {
      $response = $this->client->request('POST', $url, [
        'headers' => $headers,
        'body' => $body,
        // One that swallows what is too long: an endless answer ends the
        // transfer instead of filling the memory.
        'sink' => new DroppingStream(Utils::streamFor(fopen('php://temp', 'w+')), self::MAX_ANSWER),
        'connect_timeout' => min(self::CONNECT_TIMEOUT, $timeout),
        'timeout' => $timeout,
        'read_timeout' => $timeout,
        'allow_redirects' => FALSE,
        'http_errors' => FALSE,
        'expect' => FALSE,
        'cookies' => FALSE,
      ]);
    }
    catch (GuzzleException $exception) {
      throw new TransportFailure($this->explain($exception, $url));
    }
    $stream = $response->getBody();
    if ($stream->isSeekable()) {
      $stream->rewind();
    }
    $text = $stream->getContents();
    return new Answer(
      $response->getStatusCode(),
      substr($text, 0, self::MAX_ANSWER),
      $response->getHeaderLine('Retry-After'),
      $response->getHeaderLine('Date'),
      $response->getHeaderLine('Location'),
    );
  }

  /**
   * Finds out what went wrong.
   *
   * The exception's own message is not passed on: it repeats the request's
   * address and parts of the answer.
   */
  private function explain(GuzzleException $exception, string $url): Notice {
    $context = method_exists($exception, 'getHandlerContext') ? $exception->getHandlerContext() : [];
    $number = (int) ($context['errno'] ?? 0);
    $detail = (string) ($context['error'] ?? '');
    if ($number === 0) {
      // Without curl the number is only in the text.
      $number = preg_match('/cURL error (\d+)/', $exception->getMessage(), $match) === 1 ? (int) $match[1] : 0;
    }
    $reason = match (TRUE) {
      $number === 28 => Reason::Timeout,
      $number === 6, $number === 5 => Reason::UnknownHost,
      in_array($number, self::TLS_ERRORS, TRUE) => Reason::Certificate,
      $number === 23 => Reason::NotDrumbeat,
      $number === 0 && stripos($exception->getMessage(), 'ssl') !== FALSE => Reason::Certificate,
      $number === 0 && stripos($exception->getMessage(), 'timed out') !== FALSE => Reason::Timeout,
      default => Reason::NoConnection,
    };
    return new Notice($reason, [
      'host' => (string) parse_url($url, PHP_URL_HOST),
      'detail' => $detail,
      'status' => 0,
    ]);
  }

}
