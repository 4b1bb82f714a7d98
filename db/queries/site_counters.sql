-- name: RecountSites :many
-- Counts the verdicts on what is on each site now, and says which sites' counters changed.
-- Where the whole platform has ended, what is not supported is one thing, not as many as there are projects.
WITH counted AS (
  SELECT t.site_id,
         count(*) FILTER (WHERE v.class = 'insecure')::integer AS insecure,
         count(*) FILTER (WHERE v.class = 'unsupported')::integer AS unsupported,
         count(*) FILTER (WHERE v.status = 'not-supported')::integer AS not_supported,
         count(*) FILTER (WHERE v.class = 'outdated')::integer AS outdated,
         count(*) FILTER (WHERE v.class = 'current')::integer AS current,
         count(*) FILTER (WHERE v.class = 'unknown')::integer AS unknown,
         count(*) FILTER (WHERE v.update_available)::integer AS updates,
         count(*) FILTER (WHERE v.security_update)::integer AS security_updates,
         coalesce(max(v.status) FILTER (WHERE p.project_type = 'core'), 'unknown') AS core_status,
         coalesce(max(v.platform_state) FILTER (WHERE p.project_type = 'core'), '') AS platform_state,
         coalesce(max(v.platform_end) FILTER (WHERE p.project_type = 'core'), '') AS platform_end
  FROM unnest(@site_ids::bigint[]) AS t (site_id)
  LEFT JOIN site_module_periods p ON p.site_id = t.site_id AND p.valid_to IS NULL
  LEFT JOIN module_versions v ON v.id = p.version_id
  GROUP BY t.site_id
), folded AS (
  SELECT c.*,
         CASE WHEN c.platform_state = 'ended' THEN c.unsupported - c.not_supported + 1 ELSE c.unsupported END AS unsupported_once,
         CASE WHEN c.platform_state = 'ended' THEN c.not_supported ELSE 0 END AS platform_ended
  FROM counted c
)
UPDATE site_states s
SET insecure_count = c.insecure, unsupported_count = c.unsupported_once, outdated_count = c.outdated,
    current_count = c.current, unknown_count = c.unknown, update_count = c.updates,
    security_update_count = c.security_updates, core_status = c.core_status,
    platform_state = c.platform_state, platform_end = c.platform_end, platform_ended_count = c.platform_ended
FROM folded c
WHERE s.site_id = c.site_id
  AND (s.insecure_count, s.unsupported_count, s.outdated_count, s.current_count, s.unknown_count,
       s.update_count, s.security_update_count, s.core_status, s.platform_state, s.platform_end, s.platform_ended_count)
      IS DISTINCT FROM
      (c.insecure, c.unsupported_once, c.outdated, c.current, c.unknown, c.updates, c.security_updates, c.core_status,
       c.platform_state, c.platform_end, c.platform_ended)
RETURNING s.site_id;

-- name: NotifySiteChanges :exec
-- One notification per organisation; beyond 100 sites it names none, which means all.
SELECT pg_notify('site_changes', json_build_object(
         'organization', o.uuid,
         'sites', CASE WHEN count(*) > 100 THEN '[]'::json ELSE json_agg(s.uuid) END)::text)
FROM site_organizations so
JOIN sites s ON s.id = so.site_id
JOIN organizations o ON o.id = so.organization_id
WHERE so.site_id = ANY(@site_ids::bigint[])
GROUP BY o.uuid;
