import { useMutation } from "@connectrpc/connect-query";
import { SitesService, type Site } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { Button, Group, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { ProblemNotice } from "@/components/ui/notice";
import { toProblem } from "@/lib/errors";
import { isAffected } from "@/lib/live/affected";
import { EnvironmentInput, normalizeUrl, validateSite } from "./site-fields";

const FIELDS = ["name", "url", "environment"] as const;

/** Changes what people call a site; only what was changed is sent. */
export function EditSiteForm({ site, onDone }: { site: Site; onDone: () => void }) {
  const queryClient = useQueryClient();
  const form = useForm({
    initialValues: { name: site.name, url: site.url, environment: site.environment },
    validate: validateSite,
  });
  const update = useMutation(SitesService.method.updateSite, {
    async onSuccess() {
      await queryClient.invalidateQueries({ predicate: isAffected(new Set([site.id])) });
      onDone();
    },
    onError: (error) => form.setErrors(toProblem(error).fields),
  });

  return (
    <form
      className="card card--padded stack"
      aria-label="Edit the site"
      noValidate
      onSubmit={form.onSubmit((raw) => {
        const values = { name: raw.name.trim(), url: normalizeUrl(raw.url), environment: raw.environment.trim() };
        const paths = FIELDS.filter((field) => values[field] !== site[field]);
        if (paths.length === 0) return onDone();
        update.mutate({ siteId: site.id, ...values, updateMask: { paths } });
      })}
    >
      {update.error && <ProblemNotice error={update.error} />}
      <TextInput label="Name" maxLength={255} autoFocus {...form.getInputProps("name")} />
      <TextInput
        label="URL"
        type="url"
        inputMode="url"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={2048}
        {...form.getInputProps("url")}
      />
      <EnvironmentInput {...form.getInputProps("environment")} />
      <Group>
        <Button type="submit" loading={update.isPending}>
          Save
        </Button>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
      </Group>
    </form>
  );
}
