import { createConnectQueryKey, useInfiniteQuery, useMutation } from "@connectrpc/connect-query";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ReleasesService, type Override } from "@drumbeat/api/drumbeat/releases/v1/releases_pb";
import { ModuleStatus } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { Button, Group, Skeleton, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Badge, StatusBadge } from "@/components/ui/badge";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { EmptyState } from "@/components/ui/empty-state";
import { Icon } from "@/components/ui/icon";
import { Notice, ProblemNotice } from "@/components/ui/notice";
import { useDocumentTitle } from "@/components/ui/page";
import { toProblem } from "@/lib/errors";
import { formatCount, formatDay, formatExact, toDate } from "@/lib/format";
import { useSession } from "@/lib/session/session";
import { describeStatus } from "@/lib/words";
import { AdminFrame } from "./admin-frame";
import classes from "./admin.module.css";

const LISTS = createConnectQueryKey({ schema: ReleasesService.method.listOverrides, cardinality: "infinite" });

/** What administrators say of releases instead of what their release history says. */
export function OverridesPage() {
  useDocumentTitle("Overrides");
  const { user } = useSession();
  const queryClient = useQueryClient();
  const [withEnded, setWithEnded] = useState(false);
  const [adding, setAdding] = useState(false);
  const [said, setSaid] = useState<string>();
  const [removing, setRemoving] = useState<Override>();
  const list = useInfiniteQuery(
    ReleasesService.method.listOverrides,
    { pageSize: 100, pageToken: "", withEnded, moduleName: "" },
    {
      pageParamKey: "pageToken",
      getNextPageParam: (page) => page.nextPageToken || undefined,
      enabled: user.isSuperuser,
    },
  );
  const refresh = () => queryClient.invalidateQueries({ queryKey: LISTS });
  const remove = useMutation(ReleasesService.method.removeOverride, {
    async onSuccess({ changedVersions }) {
      setSaid(`Removed: ${judgedAnew(changedVersions)}.`);
      setRemoving(undefined);
      await refresh();
    },
  });
  const overrides = list.data?.pages.flatMap((page) => page.overrides);

  return (
    <AdminFrame intro="Where a release history is wrong, say what is right. It shows wherever it acts, with your name, why, and until when.">
      <div className="row row--between">
        <label className="row" style={{ gap: "0.5rem" }}>
          <input type="checkbox" checked={withEnded} onChange={(event) => setWithEnded(event.currentTarget.checked)} />
          Also those that ended
        </label>
        {!adding && (
          <Button
            leftSection={<Icon name="plus" size={16} />}
            onClick={() => {
              setSaid(undefined);
              setAdding(true);
            }}
          >
            New override
          </Button>
        )}
      </div>
      {said && (
        <Notice tone="good" role="status">
          {said}
        </Notice>
      )}
      {adding && (
        <OverrideForm
          onCancel={() => setAdding(false)}
          onDone={(changed) => {
            setAdding(false);
            setSaid(`It is in force: ${judgedAnew(changed)}.`);
            void refresh();
          }}
        />
      )}
      {list.error && !overrides ? (
        <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />
      ) : !overrides ? (
        <Skeleton height={160} role="status" aria-label="Loading the overrides" />
      ) : (
        <section className="card" aria-label="Overrides">
          {overrides.length === 0 ? (
            <EmptyState icon="checkCircle" title="No overrides">
              <p>Every verdict is what the release histories say.</p>
            </EmptyState>
          ) : (
            <ul aria-label="Overrides">
              {overrides.map((override) => (
                <Row
                  key={override.id}
                  override={override}
                  onRemove={() => {
                    remove.reset();
                    setRemoving(override);
                  }}
                />
              ))}
            </ul>
          )}
          {list.hasNextPage && (
            <div className={classes.more}>
              <Button variant="default" size="xs" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                Show more
              </Button>
            </div>
          )}
        </section>
      )}
      <ConfirmDialog
        opened={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        onConfirm={() => removing && remove.mutate({ overrideId: removing.id })}
        title="Remove this override?"
        confirmLabel="Remove"
        pending={remove.isPending}
        error={remove.error}
      >
        {removing?.moduleName} is then judged by its release history again.
      </ConfirmDialog>
    </AdminFrame>
  );
}

function judgedAnew(versions: number): string {
  return versions === 0
    ? "no installed version is judged otherwise"
    : `${formatCount(versions, "installed version is", "installed versions are")} judged otherwise`;
}

function Row({ override, onRemove }: { override: Override; onRemove: () => void }) {
  const since = toDate(override.createdAt);
  const until = toDate(override.until);
  const ended = toDate(override.endedAt);
  return (
    <li className={classes.override} data-ended={Boolean(ended)}>
      <div className={classes.said}>
        <Group gap="xs">
          <span className={classes.name}>{override.moduleName}</span>
          <span className="nums">{override.versions || "all versions"}</span>
          <StatusBadge status={override.status} />
          {ended && <Badge tone="neutral">Ended</Badge>}
        </Group>
        <p>{override.note}</p>
        <p className="small soft">
          Why: {override.reason}. By {override.author}
          {since && (
            <>
              , <span title={formatExact(since)}>{formatDay(since)}</span>
            </>
          )}
          {ended
            ? `. Ended ${formatDay(ended)}: ${override.endedBecause}.`
            : until
              ? `, until ${formatDay(until)}.`
              : ", until it is removed."}
        </p>
      </div>
      {!ended && (
        <Button variant="default" size="xs" aria-label={`Remove the override of ${override.moduleName}`} onClick={onRemove}>
          Remove
        </Button>
      )}
    </li>
  );
}

const STATUSES = [
  ModuleStatus.CURRENT,
  ModuleStatus.NOT_SECURE,
  ModuleStatus.REVOKED,
  ModuleStatus.NOT_SUPPORTED,
  ModuleStatus.NOT_CURRENT,
  ModuleStatus.UNKNOWN,
];

function OverrideForm({ onCancel, onDone }: { onCancel: () => void; onDone: (changedVersions: number) => void }) {
  const form = useForm({
    initialValues: { moduleName: "", versions: "", status: ModuleStatus.CURRENT as number, note: "", reason: "", until: "" },
    validate: {
      moduleName: (value) => (value.trim() ? null : "Please fill this in."),
      note: (value) => (value.trim() ? null : "Please fill this in."),
      reason: (value) => (value.trim() ? null : "Please fill this in."),
    },
  });
  const set = useMutation(ReleasesService.method.setOverride, {
    onSuccess: ({ changedVersions }) => onDone(changedVersions),
    onError: (error) => form.setErrors(toProblem(error).fields),
  });
  return (
    <form
      className="card card--padded stack"
      noValidate
      aria-label="New override"
      onSubmit={form.onSubmit(({ until, ...values }) =>
        set.mutate({ ...values, until: until ? timestampFromDate(new Date(`${until}T00:00:00Z`)) : undefined }),
      )}
    >
      {set.error && <ProblemNotice error={set.error} />}
      <div className={classes.fields}>
        <TextInput label="Project" description="Its short name, such as token" maxLength={128} {...form.getInputProps("moduleName")} />
        <TextInput
          label="Versions"
          description="One version, a beginning such as 8.x-1.*, or nothing for all"
          maxLength={128}
          {...form.getInputProps("versions")}
        />
        <label className={classes.field}>
          What to say
          <span className={classes.hint}>The verdict on these versions</span>
          <select {...form.getInputProps("status")} onChange={(event) => form.setFieldValue("status", Number(event.currentTarget.value))}>
            {STATUSES.map((status) => (
              <option key={status} value={status}>
                {describeStatus(status).label}
              </option>
            ))}
          </select>
        </label>
        <TextInput label="Until" description="From this day (UTC) the release history counts again; empty for no end" type="date" {...form.getInputProps("until")} />
        <TextInput className={classes.wide} label="Note" description="What people read beside the verdict" maxLength={500} {...form.getInputProps("note")} />
        <TextInput className={classes.wide} label="Why" description="What you rely on" maxLength={1000} {...form.getInputProps("reason")} />
      </div>
      <Group gap="xs">
        <Button type="submit" loading={set.isPending}>
          Say so
        </Button>
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
      </Group>
    </form>
  );
}
