<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

/**
 * Judges answers.
 *
 * Only a Drumbeat server is believed when it says that a report or a key is no
 * good: it says so in JSON with an error code. The same status from a proxy, a
 * firewall's challenge or a parking page is a fault on the way, which passes.
 */
final class AnswerReader {

  /**
   * The longest wait a server can ask for, in seconds.
   */
  private const MAX_WAIT = 86400;

  /**
   * Judges the answer to a report.
   *
   * @param \Drupal\drumbeat\Delivery\Answer $answer
   *   The answer.
   * @param string $reportId
   *   The report that was sent.
   * @param int $now
   *   The time now, Unix seconds.
   */
  public function read(Answer $answer, string $reportId, int $now): Verdict {
    $skew = $this->skew($answer, $now);
    $data = json_decode($answer->body, TRUE, 32);
    $data = is_array($data) ? $data : [];
    if ($answer->status === 200) {
      if (($data['reportId'] ?? NULL) !== $reportId) {
        return $this->notDrumbeat($answer, $skew);
      }
      return new Verdict(
        Action::Forget,
        new Notice(Reason::Sent),
        NULL,
        $this->duration($data['nextReportIn'] ?? NULL),
        ($data['fullReportNeeded'] ?? FALSE) === TRUE,
        $skew,
      );
    }
    return $this->readError($answer, $data, $now, $skew);
  }

  /**
   * Judges an answer that is not 200.
   *
   * @param \Drupal\drumbeat\Delivery\Answer $answer
   *   The answer.
   * @param array $data
   *   Its JSON; empty when it has none.
   * @param int $now
   *   The time now, Unix seconds.
   * @param int|null $skew
   *   What is known of the clocks.
   */
  public function readError(Answer $answer, array $data, int $now, ?int $skew): Verdict {
    $status = $answer->status;
    $code = is_string($data['code'] ?? NULL) ? $data['code'] : '';
    $values = [
      'status' => $status,
      'message' => is_string($data['message'] ?? NULL) ? $data['message'] : '',
    ];
    $wait = $this->wait($answer->retryAfter, $now);

    if ($status >= 300 && $status < 400) {
      return new Verdict(Action::Keep, new Notice(Reason::Redirect, $values + ['location' => $this->withoutQuery($answer->location)]), NULL, NULL, FALSE, $skew);
    }
    if ($status === 429) {
      return new Verdict(Action::Keep, new Notice(Reason::TooMany, $values), $wait, NULL, FALSE, $skew);
    }
    if ($status === 503) {
      return new Verdict(Action::Keep, new Notice(Reason::Unavailable, $values), $wait, NULL, FALSE, $skew);
    }
    if ($status >= 500 || $status === 408 || $status === 425) {
      return new Verdict(Action::Keep, new Notice(Reason::ServerError, $values), $wait, NULL, FALSE, $skew);
    }
    // A body that is too large stays too large, whoever says so.
    if ($status === 413) {
      return new Verdict(Action::Drop, new Notice(Reason::Dropped, $values), NULL, NULL, FALSE, $skew);
    }
    if ($code === '') {
      return $this->notDrumbeat($answer, $skew);
    }
    return match (TRUE) {
      $status === 401, $status === 403 => new Verdict(Action::Stop, new Notice(Reason::KeyRefused, $values), NULL, NULL, FALSE, $skew),
      $status === 404, $status === 410 => new Verdict(Action::Stop, new Notice(Reason::Gone, $values), NULL, NULL, FALSE, $skew),
      $status === 409 && $code === 'aborted' => new Verdict(Action::Keep, new Notice(Reason::ServerError, $values), $wait, NULL, FALSE, $skew),
      $status >= 400 => new Verdict(Action::Drop, new Notice(Reason::Dropped, $values), NULL, NULL, FALSE, $skew),
      default => $this->notDrumbeat($answer, $skew),
    };
  }

  /**
   * How far this clock is ahead of the answer's Date header.
   */
  public function skew(Answer $answer, int $now): ?int {
    $date = $answer->date === '' ? FALSE : strtotime($answer->date);
    return $date === FALSE ? NULL : $now - $date;
  }

  /**
   * Seconds of a duration as JSON writes it, such as "3600s".
   */
  private function duration(mixed $text): ?int {
    return is_string($text) && preg_match('/^(\d{1,9})(\.\d+)?s$/D', $text, $match) === 1 ? (int) $match[1] : NULL;
  }

  /**
   * Seconds of a Retry-After header, which is a number or a date.
   */
  private function wait(string $header, int $now): ?int {
    $header = trim($header);
    if ($header === '') {
      return NULL;
    }
    if (preg_match('/^\d{1,9}$/D', $header) === 1) {
      $seconds = (int) $header;
    }
    else {
      $date = strtotime($header);
      if ($date === FALSE) {
        return NULL;
      }
      $seconds = $date - $now;
    }
    return max(1, min(self::MAX_WAIT, $seconds));
  }

  /**
   * An address without what might be secret in it.
   */
  private function withoutQuery(string $url): string {
    return (string) preg_replace('/[?#].*$/s', '', $url);
  }

  /**
   * Something answered that is no Drumbeat server.
   */
  private function notDrumbeat(Answer $answer, ?int $skew): Verdict {
    return new Verdict(Action::Keep, new Notice(Reason::NotDrumbeat, ['status' => $answer->status]), NULL, NULL, FALSE, $skew);
  }

}
