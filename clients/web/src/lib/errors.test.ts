import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { isWorthRetrying, toProblem, type ProblemKind } from "./errors";

/** The bytes of buf.validate.Violations, as the server's validator writes them. */
function violations(...all: { field?: string[]; ruleId: string; message: string }[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const { field, ruleId, message } of all) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(2, WireType.LengthDelimited).string(ruleId);
    writer.tag(3, WireType.LengthDelimited).string(message);
    if (field) {
      writer.tag(5, WireType.LengthDelimited).fork();
      for (const name of field) {
        writer.tag(1, WireType.LengthDelimited).fork();
        writer.tag(1, WireType.Varint).int32(1);
        writer.tag(2, WireType.LengthDelimited).string(name);
        writer.join();
      }
      writer.join();
    }
    writer.join();
  }
  return writer.finish();
}

function invalid(message: string, value?: Uint8Array): ConnectError {
  const error = new ConnectError(message, Code.InvalidArgument);
  if (value) error.details.push({ type: "buf.validate.Violations", value });
  return error;
}

describe("toProblem", () => {
  it.each<[Code, ProblemKind, boolean]>([
    [Code.Unauthenticated, "signed-out", false],
    [Code.PermissionDenied, "forbidden", false],
    [Code.NotFound, "not-found", false],
    [Code.InvalidArgument, "invalid", false],
    [Code.FailedPrecondition, "conflict", false],
    [Code.AlreadyExists, "conflict", false],
    [Code.ResourceExhausted, "rate-limited", false],
    [Code.Unavailable, "unavailable", true],
    [Code.DeadlineExceeded, "unavailable", true],
    [Code.Internal, "internal", true],
    [Code.Unknown, "internal", true],
    [Code.Canceled, "canceled", false],
  ])("code %s is %s", (code, kind, retried) => {
    const error = new ConnectError("text", code);
    expect(toProblem(error).kind).toBe(kind);
    expect(isWorthRetrying(error)).toBe(retried);
  });

  it("takes a failed fetch for a server out of reach", () => {
    expect(toProblem(new TypeError("Failed to fetch")).kind).toBe("unreachable");
    expect(isWorthRetrying(new TypeError("Failed to fetch"))).toBe(true);
  });

  it("never shows the text of an internal error", () => {
    expect(JSON.stringify(toProblem(new ConnectError("pq: relation sites", Code.Internal)))).not.toContain("pq:");
  });

  it("says how long to wait", () => {
    const error = new ConnectError("slow down", Code.ResourceExhausted, { "Retry-After": "30" });
    expect(toProblem(error).message).toBe("Try again in 30 seconds.");
  });
});

describe("broken rules", () => {
  it("are read from the details, each at its field", () => {
    const problem = toProblem(
      invalid(
        "validation errors",
        violations(
          { field: ["organization_name"], ruleId: "string.min_len", message: "must be at least 1 characters" },
          { field: ["email"], ruleId: "string.email", message: "must be a valid email address" },
        ),
      ),
    );
    expect(problem.fields).toEqual({
      organizationName: "Please fill this in.",
      email: "This does not look like an e-mail address.",
    });
  });

  it("of a whole message name their field in the text", () => {
    const problem = toProblem(invalid("x", violations({ ruleId: "site.name", message: "name: must not be empty" })));
    expect(problem.fields).toEqual({ name: "Must not be empty." });
  });

  it("are read from the message where there are no details", () => {
    const problem = toProblem(invalid("validation error: current_password: is not your password"));
    expect(problem.fields).toEqual({ currentPassword: "Is not your password." });
  });

  it("of several lines are each found", () => {
    const problem = toProblem(invalid("validation errors:\n - name: too long\n - url: not a URL"));
    expect(problem.fields).toEqual({ name: "Too long.", url: "Not a URL." });
  });

  it("that cannot be decoded leave the message", () => {
    const problem = toProblem(invalid("the key is not a key", new Uint8Array([0x0a, 0xff])));
    expect(problem.message).toBe("The key is not a key.");
  });
});
