import { BinaryReader, type WireType } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";

/** What went wrong, as far as the person in front of the screen can act on it. */
export type ProblemKind =
  | "signed-out"
  | "forbidden"
  | "not-found"
  | "invalid"
  | "conflict"
  | "rate-limited"
  | "unreachable"
  | "unavailable"
  | "canceled"
  | "internal";

export type Problem = {
  kind: ProblemKind;
  /** A short heading. */
  title: string;
  /** One or two sentences: what happened and what to do. */
  message: string;
  /** Trying again later, unchanged, may well work. */
  temporary: boolean;
  /** Sentences by form field, in the names of the TypeScript client. */
  fields: Record<string, string>;
};

type Template = Pick<Problem, "title" | "message" | "temporary">;

const TEMPLATES: Record<ProblemKind, Template> = {
  "signed-out": {
    title: "You are signed out",
    message: "Sign in again to go on.",
    temporary: false,
  },
  forbidden: {
    title: "Not allowed",
    message: "Your role in this organisation does not allow this. Ask an administrator.",
    temporary: false,
  },
  "not-found": {
    title: "Not found",
    message: "It does not exist, or it belongs to an organisation that you are not in.",
    temporary: false,
  },
  invalid: {
    title: "Please check what you entered",
    message: "The server did not accept it.",
    temporary: false,
  },
  conflict: {
    title: "It has changed meanwhile",
    message: "Reload the page and try again.",
    temporary: false,
  },
  "rate-limited": {
    title: "Too many attempts",
    message: "Wait a moment, then try again.",
    temporary: true,
  },
  unreachable: {
    title: "The server cannot be reached",
    message: "Check your connection. What is on screen may be out of date.",
    temporary: true,
  },
  unavailable: {
    title: "The server is busy",
    message: "It could not answer just now. Try again in a moment.",
    temporary: true,
  },
  canceled: {
    title: "Stopped",
    message: "The request was stopped before it finished.",
    temporary: true,
  },
  internal: {
    title: "Something went wrong on the server",
    message: "It is not your fault, and it has been logged. Try again; if it stays, tell whoever runs this server.",
    temporary: true,
  },
};

function kindOf(error: ConnectError): ProblemKind {
  // fetch() reports every failure to connect as a TypeError.
  if (error.cause instanceof TypeError) return "unreachable";
  switch (error.code) {
    case Code.Unauthenticated:
      return "signed-out";
    case Code.PermissionDenied:
      return "forbidden";
    case Code.NotFound:
    case Code.Unimplemented:
      return "not-found";
    case Code.InvalidArgument:
    case Code.OutOfRange:
      return "invalid";
    case Code.AlreadyExists:
    case Code.Aborted:
    case Code.FailedPrecondition:
      return "conflict";
    case Code.ResourceExhausted:
      return "rate-limited";
    case Code.Unavailable:
    case Code.DeadlineExceeded:
      return "unavailable";
    case Code.Canceled:
      return "canceled";
    case Code.Unknown:
    case Code.Internal:
    case Code.DataLoss:
      return "internal";
  }
}

/** Maps whatever a call threw to what the page shows. The only place that reads codes. */
export function toProblem(reason: unknown): Problem {
  const error = ConnectError.from(reason);
  const kind = kindOf(error);
  const template = TEMPLATES[kind];
  const problem: Problem = { kind, ...template, fields: {} };
  switch (kind) {
    case "invalid": {
      const violations = readViolations(error);
      const loose: string[] = [];
      for (const violation of violations) {
        const sentence = describeViolation(violation);
        if (violation.field) problem.fields[violation.field] ??= sentence;
        else loose.push(sentence);
      }
      if (loose.length > 0) problem.message = loose.join(" ");
      else if (violations.length === 0 && error.rawMessage) problem.message = asSentence(error.rawMessage);
      else problem.message = Object.values(problem.fields).join(" ");
      break;
    }
    case "conflict":
      if (error.rawMessage) problem.message = asSentence(error.rawMessage);
      if (error.code !== Code.Aborted) problem.title = "This cannot be done";
      break;
    case "rate-limited": {
      const seconds = Number(error.metadata.get("Retry-After"));
      if (Number.isFinite(seconds) && seconds > 0) {
        problem.message = `Try again in ${describeWait(seconds)}.`;
      }
      break;
    }
    default:
      break;
  }
  return problem;
}

function describeWait(seconds: number): string {
  if (seconds < 90) return seconds === 1 ? "a second" : `${Math.ceil(seconds)} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}

function asSentence(text: string): string {
  const trimmed = text.trim();
  if (!trimmed) return trimmed;
  const sentence = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** One broken rule of a request. */
type Violation = { field: string; ruleId: string; message: string };

/**
 * Reads the broken rules from the error's details, else from its message,
 * which names the field: `validation error: url: must begin with …`.
 */
function readViolations(error: ConnectError): Violation[] {
  const violations: Violation[] = [];
  for (const detail of error.details) {
    if (!("type" in detail) || detail.type !== "buf.validate.Violations") continue;
    try {
      violations.push(...decodeViolations(detail.value));
    } catch {
      // A detail that cannot be read is as good as none; the message remains.
    }
  }
  const found = violations.length > 0 ? violations : violationsOfMessage(error.rawMessage);
  return found.map(nameField);
}

function violationsOfMessage(message: string): Violation[] {
  const text = message.replace(/^validation errors?:\s*/i, "");
  return text
    .split(/\n\s*-?\s*|;\s+/)
    .map((line) => /^-?\s*([a-z][a-zA-Z0-9_.]*):\s+(.+)$/.exec(line.trim()))
    .filter((match) => match !== null)
    .map((match) => ({ field: match[1] ?? "", ruleId: "", message: match[2] ?? "" }));
}

/** Rules over a whole message name their field at the start of the text. */
function nameField(violation: Violation): Violation {
  let { field, message } = violation;
  if (!field) {
    const match = /^([a-z][a-zA-Z0-9_]*):\s+(.+)$/.exec(message);
    if (match) [, field = "", message = ""] = match;
  }
  return { ...violation, field: camelCase(field), message };
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function describeViolation({ ruleId, message }: Violation): string {
  switch (ruleId) {
    case "required":
    case "string.min_len":
      return /at least 1 char/.test(message) || ruleId === "required"
        ? "Please fill this in."
        : asSentence(message.replace(/^(value )?length must be/, "Must be").replace(/^must be/, "Must be"));
    case "string.email":
      return "This does not look like an e-mail address.";
    case "string.max_len":
      return "This is too long.";
    case "string.pattern":
      return "Must begin with http:// or https:// and name a host.";
    default:
      return asSentence(message);
  }
}

/**
 * Reads `buf.validate.Violations` by field number: violations = 1, each with
 * rule_id = 2, message = 3 and field = 5, a path of elements = 1 with
 * field_name = 2. The generated client leaves the rules themselves out, which
 * saves 13 kB, so that there is no generated type to decode with.
 */
function decodeViolations(bytes: Uint8Array): Violation[] {
  const violations: Violation[] = [];
  eachField(bytes, (number, reader, wire) => {
    if (number !== 1) return reader.skip(wire);
    const violation: Violation = { field: "", ruleId: "", message: "" };
    eachField(reader.bytes(), (inner, innerReader, innerWire) => {
      if (inner === 2) violation.ruleId = innerReader.string();
      else if (inner === 3) violation.message = innerReader.string();
      else if (inner === 5) violation.field = decodeFieldPath(innerReader.bytes());
      else innerReader.skip(innerWire);
    });
    violations.push(violation);
  });
  return violations;
}

function decodeFieldPath(bytes: Uint8Array): string {
  const names: string[] = [];
  eachField(bytes, (number, reader, wire) => {
    if (number !== 1) return reader.skip(wire);
    eachField(reader.bytes(), (inner, innerReader, innerWire) => {
      if (inner === 2) names.push(innerReader.string());
      else innerReader.skip(innerWire);
    });
  });
  return names.join(".");
}

function eachField(bytes: Uint8Array, visit: (number: number, reader: BinaryReader, wire: WireType) => unknown): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    visit(number, reader, wire);
  }
}

/** Whether a call is worth repeating by itself, unchanged. */
export function isWorthRetrying(reason: unknown): boolean {
  switch (toProblem(reason).kind) {
    case "unreachable":
    case "unavailable":
    case "internal":
      return true;
    default:
      return false;
  }
}
