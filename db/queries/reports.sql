-- History: patch runs.

-- name: ListPatchRuns :many
SELECT id, run_date, trigger
FROM patch_runs
WHERE site_id = @site_id
  AND (@first::boolean OR (run_date, id) < (@before_date::timestamptz, @before_id::bigint))
ORDER BY run_date DESC, id DESC
LIMIT @max_rows;

-- name: ListPatchRunItems :many
SELECT i.patch_run_id, m.module_name, m.title, i.kind, f.version_number AS from_version, t.version_number AS to_version, i.security_fix
FROM patch_run_items i
JOIN modules m ON m.id = i.module_id
LEFT JOIN module_versions f ON f.id = i.from_version_id
LEFT JOIN module_versions t ON t.id = i.to_version_id
WHERE i.patch_run_id = ANY(@patch_run_ids::bigint[])
ORDER BY i.patch_run_id, i.security_fix DESC, m.module_name;
