import { useMutation } from "@connectrpc/connect-query";
import { AuthService } from "@drumbeat/api/drumbeat/auth/v1/auth_pb";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

/** Ends the session and forgets everything that was read with it. */
export function useSignOut() {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  return useMutation(AuthService.method.signOut, {
    async onSuccess() {
      await navigate({ to: "/sign-in" });
      queryClient.clear();
    },
  });
}
