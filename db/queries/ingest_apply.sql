-- name: PeekReportedSites :many
-- What a batch is compared with before its transaction, to know which reports must be read in full.
SELECT site_id, content_hash FROM site_states WHERE site_id = ANY(@site_ids::bigint[]);

-- name: CreateSiteStates :exec
-- Rows for sites that have none yet. Sites that are gone get none.
INSERT INTO site_states (site_id, organization_id, deleted_at)
SELECT id, organization_id, deleted_at FROM sites WHERE id = ANY(@site_ids::bigint[]) ORDER BY id
ON CONFLICT (site_id) DO NOTHING;

-- name: LockReportedSites :many
-- Always in the order of the ids, so that two batches never wait for each other.
SELECT st.site_id, st.last_report_at, st.collected_at, st.content_id, st.content_hash, st.inventory_hash,
       s.created_at, s.deleted_at
FROM site_states st JOIN sites s ON s.id = st.site_id
WHERE st.site_id = ANY(@site_ids::bigint[])
ORDER BY st.site_id
FOR UPDATE OF st FOR KEY SHARE OF s;

-- name: KnownReports :many
-- Which of these reports were here before. created_at tells a report sent twice from an entry read twice.
SELECT a.site_id, a.report_id::uuid AS report_id, a.created_at, a.status
FROM (SELECT unnest(@site_ids::bigint[]) AS site_id, unnest(@report_ids::uuid[]) AS report_id) t
JOIN audit_logs a ON a.site_id = t.site_id AND a.report_id = t.report_id
WHERE a.created_at >= @since;

-- name: TouchSiteStates :exec
-- Heard from, and nothing changed. The year 1 stands for no moment to speak for.
UPDATE site_states st
SET last_report_at = greatest(st.last_report_at, t.heard_at),
    collected_at = greatest(st.collected_at, nullif(t.collected_at, '0001-01-01 00:00:00+00'))
FROM (SELECT unnest(@site_ids::bigint[]) AS site_id, unnest(@heard_at::timestamptz[]) AS heard_at,
             unnest(@collected_at::timestamptz[]) AS collected_at) t
WHERE st.site_id = t.site_id;

-- name: ApplySiteStates :exec
UPDATE site_states st
SET last_report_at = greatest(st.last_report_at, t.heard_at),
    collected_at = t.collected_at,
    changed_at = CASE WHEN t.changed THEN t.collected_at ELSE st.changed_at END,
    content_id = t.content_id, content_hash = t.content_hash, inventory_hash = t.inventory_hash,
    agent = t.agent, rule_set = t.rule_set, core_version = t.core_version,
    core_version_parts = t.core_version_parts::integer[],
    php_version = t.php_version, php_sapi = t.php_sapi, db_driver = t.db_driver, db_version = t.db_version,
    profile = t.profile, reported_url = t.reported_url, reported_name = t.reported_name,
    reported_environment = t.reported_environment, custom_count = t.custom_count
FROM (SELECT unnest(@site_ids::bigint[]) AS site_id, unnest(@heard_at::timestamptz[]) AS heard_at,
             unnest(@collected_at::timestamptz[]) AS collected_at, unnest(@changed::boolean[]) AS changed,
             unnest(@content_ids::bigint[]) AS content_id, unnest(@content_hashes::bytea[]) AS content_hash,
             unnest(@inventory_hashes::text[]) AS inventory_hash, unnest(@agents::text[]) AS agent,
             unnest(@rule_sets::text[]) AS rule_set, unnest(@core_versions::text[]) AS core_version,
             unnest(@core_version_parts::text[]) AS core_version_parts,
             unnest(@php_versions::text[]) AS php_version, unnest(@php_sapis::text[]) AS php_sapi,
             unnest(@db_drivers::text[]) AS db_driver, unnest(@db_versions::text[]) AS db_version,
             unnest(@profiles::text[]) AS profile, unnest(@reported_urls::text[]) AS reported_url,
             unnest(@reported_names::text[]) AS reported_name,
             unnest(@reported_environments::text[]) AS reported_environment,
             unnest(@custom_counts::integer[]) AS custom_count) t
WHERE st.site_id = t.site_id;

-- name: StoreContents :many
-- A site that goes back to an earlier inventory finds its content again.
INSERT INTO report_contents AS c (site_id, content_hash, body, body_size)
SELECT unnest(@site_ids::bigint[]), unnest(@content_hashes::bytea[]), unnest(@bodies::bytea[]), unnest(@body_sizes::integer[])
ON CONFLICT (site_id, content_hash) DO UPDATE SET body_size = c.body_size
RETURNING c.id, c.site_id, c.content_hash;

-- name: CurrentPeriods :many
SELECT id, site_id, module_id, version_id, project_type
FROM site_module_periods
WHERE site_id = ANY(@site_ids::bigint[]) AND valid_to IS NULL;

-- name: ClosePeriods :exec
UPDATE site_module_periods p
SET valid_to = greatest(t.valid_to, p.valid_from)
FROM (SELECT unnest(@ids::bigint[]) AS id, unnest(@valid_to::timestamptz[]) AS valid_to) t
WHERE p.id = t.id;

-- name: AmendPeriods :exec
-- The same version, seen by the rules of another core or installed in another way: it
-- was there all the time.
UPDATE site_module_periods p
SET version_id = t.version_id, project_type = t.project_type
FROM (SELECT unnest(@ids::bigint[]) AS id, unnest(@version_ids::bigint[]) AS version_id, unnest(@project_types::text[]) AS project_type) t
WHERE p.id = t.id;

-- name: VersionTexts :many
SELECT id, version_number, datestamp FROM module_versions WHERE id = ANY(@ids::bigint[]);

-- name: OpenPeriods :copyfrom
INSERT INTO site_module_periods (site_id, module_id, version_id, project_type, valid_from, valid_to)
VALUES (@site_id, @module_id, @version_id, @project_type, @valid_from, @valid_to);

-- name: VersionClasses :many
SELECT id, class FROM module_versions WHERE id = ANY(@ids::bigint[]);

-- name: InsertPatchRuns :many
INSERT INTO patch_runs (site_id, run_date, trigger, report_id, item_count, security_fix_count)
SELECT unnest(@site_ids::bigint[]), unnest(@run_dates::timestamptz[]), unnest(@triggers::text[]),
       unnest(@report_ids::uuid[]), unnest(@item_counts::integer[]), unnest(@security_fix_counts::integer[])
RETURNING id, site_id, report_id;

-- name: InsertPatchRunItems :copyfrom
INSERT INTO patch_run_items (patch_run_id, module_id, kind, from_version_id, to_version_id, security_fix)
VALUES (@patch_run_id, @module_id, @kind, @from_version_id, @to_version_id, @security_fix);

-- name: InsertAuditLogs :copyfrom
INSERT INTO audit_logs (site_id, created_at, status, report_id, collected_at, trigger, detail, content_id, data)
VALUES (@site_id, @created_at, @status, @report_id, @collected_at, @trigger, @detail, @content_id, @data);

-- name: EnsureAuditPartitions :one
SELECT ensure_audit_partitions(@first::timestamptz, @months::integer)::integer;

-- name: MayCheckInBulk :one
-- Whether this role may leave out the check of each single row.
SELECT has_parameter_privilege(current_user, 'session_replication_role', 'SET')::boolean;

-- name: CountVersions :one
-- How many of these pairs are rows: what the foreign key asks of each period, asked once for all.
SELECT count(*) FROM (SELECT unnest(@module_ids::bigint[]) AS module_id, unnest(@ids::bigint[]) AS id) t
JOIN module_versions v ON v.id = t.id AND v.module_id = t.module_id;
