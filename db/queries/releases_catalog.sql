-- name: FindInstalledVersions :many
-- Finds those of the given versions that are known as installed. `item` is the
-- position in the arrays, from 1. has_versions tells no version from an empty one.
WITH wanted AS (
  SELECT unnest(@items::bigint[]) AS item, unnest(@modules::text[]) AS module_name,
         unnest(@rule_sets::text[]) AS rule_set, unnest(@versions::text[]) AS version_number,
         unnest(@has_versions::boolean[]) AS has_version, unnest(@datestamps::bigint[]) AS datestamp
)
SELECT w.item::bigint AS item, v.module_id, v.id AS version_id
FROM wanted w
JOIN modules m ON m.module_name = w.module_name
JOIN module_versions v ON v.module_id = m.id AND v.rule_set = w.rule_set
  AND v.version_number = w.version_number AND v.datestamp = w.datestamp
WHERE w.has_version AND v.installed
UNION ALL
SELECT w.item::bigint, v.module_id, v.id
FROM wanted w
JOIN modules m ON m.module_name = w.module_name
JOIN module_versions v ON v.module_id = m.id AND v.rule_set = w.rule_set
  AND v.version_number IS NULL AND v.datestamp = w.datestamp
WHERE NOT w.has_version AND v.installed;

-- name: AddModules :exec
-- In the order of the names, so that two of these at once wait for each other at worst.
INSERT INTO modules (module_name, title, drupal_link)
SELECT w.module_name, w.title, w.drupal_link
FROM (SELECT unnest(@modules::text[]) AS module_name, unnest(@titles::text[]) AS title,
             unnest(@drupal_links::text[]) AS drupal_link) w
ORDER BY w.module_name COLLATE "C"
ON CONFLICT (module_name) DO NOTHING;

-- name: FindModules :many
SELECT id, module_name FROM modules WHERE module_name = ANY(@modules::text[]);

-- name: AddFeeds :execrows
INSERT INTO feeds (module_id, series, next_check_at)
SELECT w.module_id, w.series, @now::timestamptz
FROM (SELECT unnest(@module_ids::bigint[]) AS module_id, unnest(@series::text[]) AS series) w
ORDER BY w.module_id, w.series
ON CONFLICT (module_id, series) DO NOTHING;

-- name: AddInstalledVersions :many
-- Returns those that were not known as installed before.
INSERT INTO module_versions (module_id, rule_set, version_number, datestamp, installed)
SELECT w.module_id, w.rule_set, CASE WHEN w.has_version THEN w.version_number END, w.datestamp, true
FROM (SELECT unnest(@module_ids::bigint[]) AS module_id, unnest(@rule_sets::text[]) AS rule_set,
             unnest(@versions::text[]) AS version_number, unnest(@has_versions::boolean[]) AS has_version,
             unnest(@datestamps::bigint[]) AS datestamp) w
ORDER BY w.module_id, w.rule_set COLLATE "C", w.has_version, w.version_number COLLATE "C", w.datestamp
ON CONFLICT (module_id, rule_set, version_number, datestamp) DO UPDATE SET installed = true
WHERE NOT module_versions.installed
RETURNING id, module_id, rule_set, version_number, datestamp;

-- name: LockCountingShared :exec
SELECT pg_advisory_xact_lock_shared(@key::bigint);

-- name: LockCounting :exec
SELECT pg_advisory_xact_lock(@key::bigint);

-- name: NotifyFeedsWanted :exec
SELECT pg_notify('feeds_wanted', '');
