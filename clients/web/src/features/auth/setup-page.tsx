import { useMutation, useQuery } from "@connectrpc/connect-query";
import { AuthService } from "@drumbeat/api/drumbeat/auth/v1/auth_pb";
import { Button, Skeleton, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { Notice, ProblemNotice } from "@/components/ui/notice";
import { PasswordField } from "@/components/ui/password-field";
import { useDocumentTitle } from "@/components/ui/page";
import { toProblem } from "@/lib/errors";
import { AuthScreen } from "./auth-screen";
import { validatePassword } from "./password";

/**
 * Makes the first administrator. The one-time token stands in the fragment of
 * the address, which browsers keep out of requests, logs and referrers.
 */
export function SetupPage() {
  useDocumentTitle("Set up");
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get("token") ?? "");
  const setup = useQuery(AuthService.method.getSetupState);
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const form = useForm({
    initialValues: { organizationName: "", name: "", email: "", password: "" },
    validate: {
      organizationName: (value) => (value.trim() ? null : "Please fill this in."),
      name: (value) => (value.trim() ? null : "Please fill this in."),
      email: (value) => (/^\S+@\S+$/.test(value.trim()) ? null : "This does not look like an e-mail address."),
      password: validatePassword,
    },
  });
  const complete = useMutation(AuthService.method.completeSetup, {
    onSuccess() {
      queryClient.clear();
      void navigate({ to: "/sites", replace: true });
    },
    onError: (error) => form.setErrors(toProblem(error).fields),
  });

  if (setup.error) {
    return (
      <AuthScreen title="Set up Drumbeat">
        <ProblemNotice error={setup.error} onRetry={() => void setup.refetch()} />
      </AuthScreen>
    );
  }
  if (!setup.data) {
    return (
      <AuthScreen title="Set up Drumbeat">
        <Skeleton height={220} aria-label="Loading" />
      </AuthScreen>
    );
  }
  if (!setup.data.setupNeeded && !complete.isSuccess) {
    return (
      <AuthScreen title="Already set up">
        <p>This Drumbeat has its first administrator, so that the set-up link no longer works.</p>
        <Link to="/sign-in">Go to sign in</Link>
      </AuthScreen>
    );
  }
  if (!token) {
    return (
      <AuthScreen title="Set up Drumbeat">
        <Notice tone="warning" title="The link is not complete">
          Open the whole set-up link that the server printed when it started. It ends in <code>#token=…</code>.
        </Notice>
      </AuthScreen>
    );
  }
  return (
    <AuthScreen title="Set up Drumbeat" intro="Make the first administrator and the first organisation.">
      <form
        className="stack"
        noValidate
        onSubmit={form.onSubmit((values) =>
          complete.mutate({
            token,
            organizationName: values.organizationName.trim(),
            name: values.name.trim(),
            email: values.email.trim(),
            password: values.password,
          }),
        )}
      >
        {complete.error && <ProblemNotice error={complete.error} />}
        <TextInput
          label="Organisation"
          description="Whose sites these are: your company, agency or department."
          autoComplete="organization"
          maxLength={255}
          autoFocus
          {...form.getInputProps("organizationName")}
        />
        <TextInput label="Your name" autoComplete="name" maxLength={255} {...form.getInputProps("name")} />
        <TextInput label="E-mail" type="email" autoComplete="username" maxLength={254} {...form.getInputProps("email")} />
        <PasswordField
          label="Password"
          description="At least 8 characters. Several words are easy to remember and hard to guess."
          autoComplete="new-password"
          {...form.getInputProps("password")}
        />
        <Button type="submit" fullWidth loading={complete.isPending}>
          Set up
        </Button>
      </form>
    </AuthScreen>
  );
}
