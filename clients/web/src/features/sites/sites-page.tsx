import { useQuery } from "@connectrpc/connect-query";
import { SitesService, SiteState } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { Button, CloseButton, Loader, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { keepPreviousData } from "@tanstack/react-query";
import { Link, useLocation, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { EmptyState } from "@/components/ui/empty-state";
import { Icon } from "@/components/ui/icon";
import { Notice, ProblemNotice } from "@/components/ui/notice";
import { useDocumentTitle } from "@/components/ui/page";
import { toProblem } from "@/lib/errors";
import { formatNumber } from "@/lib/format";
import { Role, useSession } from "@/lib/session/session";
import { nextSort, SORTS, type Sort } from "@/lib/sorts";
import { SITE_STATES } from "@/lib/words";
import { FleetSummary, useFleetSummary } from "./fleet-summary";
import { SiteTable, SiteTableSkeleton, useIsPhone } from "./site-table";
import classes from "./sites.module.css";

const PAGE_SIZE = 50;

export function SitesPage() {
  useDocumentTitle("Sites");
  const { organization, may } = useSession();
  const { organizationId } = organization;
  const search = useSearch({ from: "/signed-in/sites" });
  const navigate = useNavigate({ from: "/sites" });
  const trail = useLocation({ select: (location) => location.state.trail });
  const summary = useFleetSummary(organizationId);
  const sort = search.sort ?? SORTS[0];

  const list = useQuery(
    SitesService.method.listSites,
    {
      organizationId,
      pageSize: PAGE_SIZE,
      pageToken: search.page ?? "",
      search: search.q ?? "",
      state: search.state ? SITE_STATES[search.state].state : SiteState.UNSPECIFIED,
      orderBy: search.sort ?? "",
    },
    { placeholderData: keepPreviousData },
  );

  // Another organisation has other pages and other sites.
  const shown = useRef(organizationId);
  useEffect(() => {
    if (shown.current === organizationId) return;
    shown.current = organizationId;
    void navigate({ search: {}, replace: true });
  }, [organizationId, navigate]);

  const setSort = (value: Sort) =>
    void navigate({
      search: (previous) => ({ ...previous, page: undefined, sort: value === SORTS[0] ? undefined : value }),
      resetScroll: false,
    });

  const filtered = Boolean(search.q || search.state);
  const newFleet = !filtered && summary.data?.sites === 0 && list.data?.sites.length === 0;

  return (
    <div className="page stack">
      <div className="row row--between">
        <h1>Sites</h1>
        {may(Role.USER) && (
          <Button
            renderRoot={(props) => <Link to="/sites/new" {...props} />}
            leftSection={<Icon name="plus" size={16} />}
          >
            Add site
          </Button>
        )}
      </div>
      {newFleet ? (
        <div className="card">
          <FirstSite mayAdd={may(Role.USER)} />
        </div>
      ) : (
        <>
          <FleetSummary organizationId={organizationId} active={search.state} />
          <section className="card" aria-label="Site list">
            <div className={classes.toolbar}>
              <SearchField
                value={search.q ?? ""}
                onChange={(q) =>
                  void navigate({
                    search: (previous) => ({ ...previous, page: undefined, q: q || undefined }),
                    replace: true,
                    resetScroll: false,
                  })
                }
              />
              <div className={classes.toolbarEnd}>
                {list.isFetching && list.data && <Loader size="xs" aria-label="Updating" />}
                {search.state && (
                  <Button
                    variant="default"
                    size="xs"
                    rightSection={<Icon name="x" size={14} />}
                    onClick={() =>
                      void navigate({
                        search: (previous) => ({ ...previous, page: undefined, state: undefined }),
                        resetScroll: false,
                      })
                    }
                    aria-label={`Only ${SITE_STATES[search.state].label}. Show all`}
                  >
                    {SITE_STATES[search.state].label}
                  </Button>
                )}
                <PhoneSort sort={sort} onChange={setSort} />
              </div>
            </div>
            {list.error ? (
              <ListProblem
                error={list.error}
                page={search.page}
                onRetry={() => void list.refetch()}
                onFirst={() => void navigate({ search: (previous) => ({ ...previous, page: undefined }) })}
              />
            ) : !list.data ? (
              <SiteTableSkeleton />
            ) : list.data.sites.length === 0 ? (
              <EmptyState
                icon="search"
                title="No site matches"
                actions={
                  <Button variant="default" onClick={() => void navigate({ search: {} })}>
                    Show all sites
                  </Button>
                }
              >
                <p>
                  {search.q ? <>Nothing found for “{search.q}”</> : "There is no site in this state"}
                  {search.q && search.state && <> among “{SITE_STATES[search.state].label}”</>}.
                </p>
              </EmptyState>
            ) : (
              <SiteTable
                sites={list.data.sites}
                sort={sort}
                onSort={(field) => setSort(nextSort(sort, field))}
                stale={list.isPlaceholderData}
              />
            )}
            {list.data && (search.page || list.data.nextPageToken) && (
              <Pager
                page={search.page}
                trail={trail}
                next={list.isPlaceholderData ? "" : list.data.nextPageToken}
                rows={list.data.sites.length}
              />
            )}
          </section>
        </>
      )}
    </div>
  );
}

/** Searches while one types, a moment after the last key. */
function SearchField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value);
  const sent = useRef(value);
  const send = useDebouncedCallback((next: string) => {
    sent.current = next.trim();
    onChange(next.trim());
  }, 250);

  // The back button and links change the search from outside.
  useEffect(() => {
    if (value !== sent.current) {
      sent.current = value;
      setText(value);
    }
  }, [value]);

  return (
    <TextInput
      className={classes.search}
      type="search"
      aria-label="Search by name or URL"
      placeholder="Search by name or URL"
      leftSection={<Icon name="search" size={16} />}
      rightSection={
        text && (
          <CloseButton
            size="sm"
            aria-label="Clear the search"
            onClick={() => {
              setText("");
              send("");
            }}
          />
        )
      }
      maxLength={200}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        send(event.currentTarget.value);
      }}
    />
  );
}

const PHONE_SORTS: { sort: Sort; label: string }[] = [
  { sort: "security desc", label: "Most insecure first" },
  { sort: "updates desc", label: "Most updates first" },
  { sort: "name", label: "Name, A to Z" },
  { sort: "url", label: "URL, A to Z" },
  { sort: "core", label: "Oldest core first" },
  { sort: "last_report", label: "Longest without report" },
  { sort: "created desc", label: "Newest site first" },
];

/** Cards have no column headers to sort by. */
function PhoneSort({ sort, onChange }: { sort: Sort; onChange: (sort: Sort) => void }) {
  if (!useIsPhone()) return null;
  const known = PHONE_SORTS.some((each) => each.sort === sort);
  return (
    <select
      className={classes.select}
      aria-label="Sort by"
      value={sort}
      onChange={(event) => onChange(event.currentTarget.value as Sort)}
    >
      {!known && <option value={sort}>Other order</option>}
      {PHONE_SORTS.map((each) => (
        <option key={each.sort} value={each.sort}>
          {each.label}
        </option>
      ))}
    </select>
  );
}

/**
 * Next and previous by cursor. The trail of earlier cursors lies in the
 * history entry; an address that came by mail has none, and goes to the first page.
 */
function Pager({
  page,
  trail,
  next,
  rows,
}: {
  page: string | undefined;
  trail: string[] | undefined;
  next: string;
  rows: number;
}) {
  const before = trail?.at(-1);
  const known = page === undefined || trail !== undefined;
  const first = known ? (trail?.length ?? 0) * PAGE_SIZE + 1 : undefined;
  return (
    <nav className={classes.pager} aria-label="Pages">
      {page === undefined ? (
        <Button variant="default" size="sm" disabled leftSection={<Icon name="chevronLeft" size={16} />}>
          Previous
        </Button>
      ) : (
        <Button
          variant="default"
          size="sm"
          leftSection={<Icon name="chevronLeft" size={16} />}
          renderRoot={(props) => (
            <Link
              to="/sites"
              search={(previous) => ({ ...previous, page: before || undefined })}
              state={(previous) => ({ ...previous, trail: trail && trail.length > 1 ? trail.slice(0, -1) : undefined })}
              {...props}
            />
          )}
        >
          {known ? "Previous" : "First page"}
        </Button>
      )}
      <span className="soft small nums">
        {first !== undefined && rows > 0 && `${formatNumber(first)} to ${formatNumber(first + rows - 1)}`}
      </span>
      {next ? (
        <Button
          variant="default"
          size="sm"
          rightSection={<Icon name="chevronRight" size={16} />}
          renderRoot={(props) => (
            <Link
              to="/sites"
              search={(previous) => ({ ...previous, page: next })}
              state={(previous) => ({ ...previous, trail: known ? [...(trail ?? []), page ?? ""] : undefined })}
              {...props}
            />
          )}
        >
          Next
        </Button>
      ) : (
        <Button variant="default" size="sm" disabled rightSection={<Icon name="chevronRight" size={16} />}>
          Next
        </Button>
      )}
    </nav>
  );
}

function ListProblem({
  error,
  page,
  onRetry,
  onFirst,
}: {
  error: unknown;
  page: string | undefined;
  onRetry: () => void;
  onFirst: () => void;
}) {
  return (
    <div style={{ padding: "1rem" }}>
      {page && toProblem(error).kind === "invalid" ? (
        <Notice
          tone="warning"
          role="alert"
          title="This page of the list is gone"
          actions={
            <Button size="xs" variant="default" onClick={onFirst}>
              Go to the first page
            </Button>
          }
        >
          Its address is too old, or belongs to another search.
        </Notice>
      ) : (
        <ProblemNotice error={error} onRetry={onRetry} />
      )}
    </div>
  );
}

function FirstSite({ mayAdd }: { mayAdd: boolean }) {
  return (
    <EmptyState
      icon="inbox"
      title="Connect your first site"
      actions={
        mayAdd && (
          <Button
            size="md"
            renderRoot={(props) => <Link to="/sites/new" {...props} />}
            leftSection={<Icon name="plus" size={18} />}
          >
            Add a site
          </Button>
        )
      }
    >
      <p>
        Each site sends Drumbeat the versions it runs, and Drumbeat tells you which are insecure, unsupported or out of
        date. Nothing here ever reaches into a site.
      </p>
      <ol style={{ textAlign: "left", maxWidth: "32rem", listStyle: "decimal", paddingInlineStart: "1.25rem" }}>
        <li>Add the site here, by name and URL. You get a key for it, shown once.</li>
        <li>
          Paste one line into the Drumbeat module on the site, or try it at once with a ready <code>curl</code> line.
        </li>
        <li>The first report appears here by itself, within seconds.</li>
      </ol>
      {!mayAdd && <p>Your role only reads: ask a user or an administrator of your organisation to add the site.</p>}
    </EmptyState>
  );
}
