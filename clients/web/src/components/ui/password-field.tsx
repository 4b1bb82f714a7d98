import { PasswordInput, type PasswordInputProps } from "@mantine/core";

/**
 * Mantine's field, which marks an error on the frame only: the input itself has
 * to say it to be heard. What is typed can be shown by keyboard too.
 */
export function PasswordField(props: PasswordInputProps) {
  return (
    <PasswordInput
      maxLength={128}
      visibilityToggleFocusable
      visibilityToggleButtonProps={{ "aria-label": "Show the password" }}
      aria-invalid={props.error ? true : undefined}
      {...props}
    />
  );
}
