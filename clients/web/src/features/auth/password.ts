/** The part of the password rule that can be told without the server, as a form message. */
export function validatePassword(password: string): string | null {
  if (Array.from(password).length < 8) return "At least 8 characters, please.";
  return null;
}
