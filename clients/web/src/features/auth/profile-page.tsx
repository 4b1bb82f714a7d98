import { useMutation } from "@connectrpc/connect-query";
import { AuthService } from "@drumbeat/api/drumbeat/auth/v1/auth_pb";
import { Button } from "@mantine/core";
import { useForm } from "@mantine/form";
import { Notice, ProblemNotice } from "@/components/ui/notice";
import { PasswordField } from "@/components/ui/password-field";
import { useDocumentTitle } from "@/components/ui/page";
import { toProblem } from "@/lib/errors";
import { useSession } from "@/lib/session/session";
import { validatePassword } from "./password";

export function ProfilePage() {
  useDocumentTitle("Password");
  const { user } = useSession();
  const form = useForm({
    initialValues: { currentPassword: "", newPassword: "" },
    validate: {
      currentPassword: (value) => (value ? null : "Please fill this in."),
      newPassword: validatePassword,
    },
  });
  const change = useMutation(AuthService.method.changePassword, {
    onSuccess: () => form.reset(),
    onError: (error) => form.setErrors(toProblem(error).fields),
  });

  return (
    <div className="page page--narrow stack stack--wide">
      <div>
        <h1>Password</h1>
        <p className="soft">
          {user.name} · {user.email}
        </p>
      </div>
      <form
        className="card card--padded stack"
        noValidate
        onSubmit={form.onSubmit((values) => change.mutate(values))}
        style={{ maxWidth: "28rem" }}
      >
        {change.error && <ProblemNotice error={change.error} />}
        {change.isSuccess && (
          <Notice tone="good" role="status" title="Your password was changed">
            You were signed out everywhere else.
          </Notice>
        )}
        {/* Lets password managers know whose password changes. */}
        <input type="text" autoComplete="username" value={user.email} readOnly hidden />
        <PasswordField
          label="Current password"
          autoComplete="current-password"
          {...form.getInputProps("currentPassword")}
        />
        <PasswordField
          label="New password"
          description="At least 8 characters. All your other sessions end."
          autoComplete="new-password"
          {...form.getInputProps("newPassword")}
        />
        <div>
          <Button type="submit" loading={change.isPending}>
            Change password
          </Button>
        </div>
      </form>
    </div>
  );
}
