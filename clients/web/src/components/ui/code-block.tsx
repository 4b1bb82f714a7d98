import { ActionIcon, Tooltip, VisuallyHidden } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { useId, useRef } from "react";
import classes from "./code-block.module.css";
import { Icon } from "./icon";

/** Text to take elsewhere, exactly as it stands, with a button that copies it. */
export function CodeBlock({ label, text, testId }: { label: string; text: string; testId?: string }) {
  const clipboard = useClipboard({ timeout: 2_000 });
  const code = useRef<HTMLPreElement>(null);
  const id = useId();

  const copy = () => {
    if (typeof navigator.clipboard?.writeText === "function") {
      clipboard.copy(text);
    } else if (code.current) {
      // Plain-http pages have no clipboard: select it, so that one key press copies.
      getSelection()?.selectAllChildren(code.current);
    }
  };

  const done = clipboard.copied;
  return (
    <div className={classes.block} role="group" aria-labelledby={id}>
      <VisuallyHidden id={id}>{label}</VisuallyHidden>
      {/* A region that scrolls has to be reachable by keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre ref={code} className={classes.code} tabIndex={0} aria-labelledby={id} data-testid={testId}>
        {text}
      </pre>
      <div className={classes.copy}>
        <Tooltip label={done ? "Copied" : "Copy"}>
          <ActionIcon variant="default" size="lg" aria-label={`Copy ${label}`} onClick={copy}>
            <Icon name={done ? "check" : "copy"} size={16} />
          </ActionIcon>
        </Tooltip>
      </div>
      <VisuallyHidden role="status">{done ? `${label} copied` : ""}</VisuallyHidden>
    </div>
  );
}
