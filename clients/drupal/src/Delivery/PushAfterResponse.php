<?php

declare(strict_types=1);

namespace Drupal\drumbeat\Delivery;

use Drupal\drumbeat\Report\Trigger;
use Symfony\Component\EventDispatcher\EventSubscriberInterface;
use Symfony\Component\HttpKernel\KernelEvents;

/**
 * Pushes when the answer to the visitor or administrator has gone out.
 *
 * Installing a module must not feel slower because a server somewhere is.
 */
final class PushAfterResponse implements EventSubscriberInterface {

  /**
   * Why to push; NULL when nobody asked.
   */
  private ?Trigger $wanted = NULL;

  public function __construct(private readonly Pusher $pusher) {}

  /**
   * Asks for a push at the end of this request.
   */
  public function want(Trigger $trigger): void {
    $this->wanted = $trigger;
    // This object does not outlive a rebuild of the container; the note does.
    $this->pusher->want($trigger);
  }

  /**
   * Pushes if that was asked for.
   */
  public function onTerminate(): void {
    if ($this->wanted !== NULL) {
      $trigger = $this->wanted;
      $this->wanted = NULL;
      $this->pusher->push($trigger);
    }
  }

  /**
   * {@inheritdoc}
   */
  public static function getSubscribedEvents(): array {
    return [KernelEvents::TERMINATE => ['onTerminate', -100]];
  }

}
