import { Button, Group, Modal, TextInput } from "@mantine/core";
import { useId, useState, type FormEvent, type ReactNode } from "react";
import { ProblemNotice } from "./notice";

/**
 * Asks before something that cannot be taken back.
 *
 * @param typed what has to be typed before it can be confirmed; a plain question without it.
 */
export function ConfirmDialog({
  opened,
  onClose,
  onConfirm,
  title,
  children,
  confirmLabel,
  typed,
  pending,
  error,
}: {
  opened: boolean;
  onClose: () => void;
  onConfirm: () => void;
  title: string;
  children: ReactNode;
  confirmLabel: string;
  typed?: string;
  pending: boolean;
  error: unknown;
}) {
  const [text, setText] = useState("");
  const id = useId();
  const ready = typed === undefined || text.trim() === typed.trim();

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready && !pending) onConfirm();
  };

  return (
    <Modal opened={opened} onClose={onClose} title={title} closeButtonProps={{ "aria-label": "Close" }}>
      <form onSubmit={submit} className="stack" aria-describedby={id}>
        <div id={id} className="wrap-anywhere">
          {children}
        </div>
        {typed !== undefined && (
          <TextInput
            label="Type the name to confirm"
            description={typed}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
        )}
        {error ? <ProblemNotice error={error} /> : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" color="red" loading={pending} disabled={!ready}>
            {confirmLabel}
          </Button>
        </Group>
      </form>
    </Modal>
  );
}
