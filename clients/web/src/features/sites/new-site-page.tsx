import { useMutation } from "@connectrpc/connect-query";
import { SitesService } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { Button, Group, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Notice, ProblemNotice } from "@/components/ui/notice";
import { useDocumentTitle } from "@/components/ui/page";
import { toProblem } from "@/lib/errors";
import { isAffected } from "@/lib/live/affected";
import { Role, useSession } from "@/lib/session/session";
import { ConnectPanel, FirstReport } from "./connect-panel";
import { EnvironmentInput, normalizeUrl, validateSite } from "./site-fields";

export function NewSitePage() {
  const { organization, may } = useSession();
  const queryClient = useQueryClient();
  const form = useForm({
    initialValues: { name: "", url: "", environment: "production" },
    validate: validateSite,
  });
  const create = useMutation(SitesService.method.createSite, {
    onSuccess: () => queryClient.invalidateQueries({ predicate: isAffected(new Set(["new"])) }),
    onError: (error) => form.setErrors(toProblem(error).fields),
  });
  const site = create.data?.site;
  useDocumentTitle(site ? `Connect ${site.name}` : "Add a site");

  if (site && create.data) {
    return (
      <div className="page page--narrow stack stack--wide">
        <div>
          <h1>Connect {site.name}</h1>
          <p className="soft wrap-anywhere">{site.url}</p>
        </div>
        <section className="card card--padded stack" aria-label="Connect the site">
          <ConnectPanel site={site} siteKey={create.data.key} />
        </section>
        <section className="card card--padded" aria-label="First report">
          <FirstReport siteId={site.id} />
        </section>
      </div>
    );
  }

  return (
    <div className="page page--narrow stack stack--wide">
      <div>
        <h1>Add a site</h1>
        <p className="soft">You get a key for it, and the lines to paste.</p>
      </div>
      {may(Role.USER) ? (
        <form
          className="card card--padded stack"
          noValidate
          onSubmit={form.onSubmit((values) =>
            create.mutate({
              organizationId: organization.organizationId,
              name: values.name.trim(),
              url: normalizeUrl(values.url),
              environment: values.environment.trim(),
            }),
          )}
        >
          {create.error && <ProblemNotice error={create.error} />}
          <TextInput
            label="Name"
            description="What you call the site."
            maxLength={255}
            autoFocus
            {...form.getInputProps("name")}
          />
          <TextInput
            label="URL"
            description="Where the site is, beginning with https://"
            type="url"
            inputMode="url"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={2048}
            {...form.getInputProps("url")}
          />
          <EnvironmentInput {...form.getInputProps("environment")} />
          <Group>
            <Button type="submit" loading={create.isPending}>
              Add site
            </Button>
            <Button variant="default" renderRoot={(props) => <Link to="/sites" {...props} />}>
              Cancel
            </Button>
          </Group>
        </form>
      ) : (
        <Notice tone="info" title="Your role only reads">
          Ask a user or an administrator of {organization.organizationName} to add the site.
        </Notice>
      )}
    </div>
  );
}
