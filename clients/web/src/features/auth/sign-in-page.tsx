import { useMutation, useQuery } from "@connectrpc/connect-query";
import { AuthService } from "@drumbeat/api/drumbeat/auth/v1/auth_pb";
import { Button, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { useRouter, useSearch } from "@tanstack/react-router";
import { Notice, ProblemNotice } from "@/components/ui/notice";
import { PasswordField } from "@/components/ui/password-field";
import { useDocumentTitle } from "@/components/ui/page";
import { toProblem } from "@/lib/errors";
import { safeReturnPath } from "@/lib/safe-url";
import { AuthScreen } from "./auth-screen";

export function SignInPage() {
  useDocumentTitle("Sign in");
  const search = useSearch({ from: "/sign-in" });
  const router = useRouter();
  const queryClient = useQueryClient();
  const setup = useQuery(AuthService.method.getSetupState);
  const form = useForm({
    initialValues: { email: "", password: "" },
    validate: {
      email: (value) => (value.trim() ? null : "Please fill this in."),
      password: (value) => (value ? null : "Please fill this in."),
    },
  });
  const signIn = useMutation(AuthService.method.signIn, {
    onSuccess() {
      queryClient.clear();
      router.history.push(safeReturnPath(search.return));
    },
    onError: (error) => form.setErrors(toProblem(error).fields),
  });

  const wrong = signIn.error && toProblem(signIn.error).kind === "signed-out";

  return (
    <AuthScreen title="Sign in" intro={search.return && "Sign in to go on where you were."}>
      {setup.data?.setupNeeded && (
        <Notice tone="info" title="This Drumbeat is new">
          Nobody can sign in yet. Open the set-up link that the server printed when it started; it makes the first
          administrator.
        </Notice>
      )}
      <form
        className="stack"
        noValidate
        onSubmit={form.onSubmit((values) => signIn.mutate({ email: values.email.trim(), password: values.password }))}
      >
        {wrong ? (
          <Notice tone="danger" role="alert" title="That did not match">
            The e-mail address or the password is wrong.
          </Notice>
        ) : (
          signIn.error && <ProblemNotice error={signIn.error} />
        )}
        <TextInput
          label="E-mail"
          type="email"
          autoComplete="username"
          autoFocus
          maxLength={254}
          {...form.getInputProps("email")}
        />
        <PasswordField
          label="Password"
          autoComplete="current-password"
          {...form.getInputProps("password")}
        />
        <Button type="submit" fullWidth loading={signIn.isPending}>
          Sign in
        </Button>
      </form>
    </AuthScreen>
  );
}
