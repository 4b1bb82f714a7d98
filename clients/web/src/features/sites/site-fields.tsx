import { TextInput, type TextInputProps } from "@mantine/core";
import { useId } from "react";

const URL_PATTERN = /^https?:\/\/[^\s/?#]+[^\s]*$/;

/** Adds the scheme that people leave out. */
export function normalizeUrl(url: string): string {
  const trimmed = url.trim();
  return trimmed && !/^[a-z][a-z0-9+.-]*:/i.test(trimmed) ? `https://${trimmed}` : trimmed;
}

/** The messages for a site's fields that can be told without the server. */
export const validateSite = {
  name: (value: string) => (value.trim() ? null : "Please fill this in."),
  url: (value: string) => {
    if (!value.trim()) return "Please fill this in.";
    return URL_PATTERN.test(normalizeUrl(value)) ? null : "Must begin with http:// or https:// and name a host.";
  },
};

/** A free text with the usual names at hand. */
export function EnvironmentInput(props: TextInputProps) {
  const id = useId();
  return (
    <>
      <TextInput
        label="Environment"
        description="Such as production, staging or development."
        list={id}
        maxLength={64}
        {...props}
      />
      <datalist id={id}>
        <option value="production" />
        <option value="staging" />
        <option value="development" />
      </datalist>
    </>
  );
}
