-- Sites: one by one, and their keys. Every query takes the organisation or a site that was resolved for the caller.

-- name: CreateSite :one
INSERT INTO sites (organization_id, name, url, environment, created_by, created_at, modified_at)
VALUES (@organization_id, @name, @url, @environment, @created_by, @now, @now)
RETURNING id, uuid;

-- name: AddSiteOwner :exec
INSERT INTO site_organizations (site_id, organization_id, is_owner, created_at)
VALUES (@site_id, @organization_id, true, @now);

-- name: CreateSiteState :exec
INSERT INTO site_states (site_id, organization_id) VALUES (@site_id, @organization_id);

-- name: GetSitesByID :many
-- What the list and the page show of sites, for sites the organisation has.
SELECT s.id, s.uuid, o.uuid AS organization_uuid, s.name, s.url, s.environment, s.created_at,
       st.core_version, st.core_version_parts, st.core_status, st.php_version, st.db_driver, st.db_version, st.profile,
       st.insecure_count, st.unsupported_count, st.outdated_count, st.current_count, st.unknown_count, st.custom_count,
       st.update_count, st.security_update_count, st.platform_state, st.platform_end, st.platform_ended_count,
       st.last_report_at, st.changed_at,
       lower(s.name)::text AS sort_name, lower(s.url)::text AS sort_url
FROM unnest(@ids::bigint[]) AS t (id)
JOIN sites s ON s.id = t.id
JOIN site_states st ON st.site_id = s.id
JOIN organizations o ON o.id = s.organization_id
WHERE s.deleted_at IS NULL
  AND EXISTS (SELECT FROM site_organizations so WHERE so.site_id = s.id AND so.organization_id = @organization_id);

-- name: UpdateSite :execrows
UPDATE sites s
SET name = CASE WHEN @set_name::boolean THEN @name ELSE s.name END,
    url = CASE WHEN @set_url::boolean THEN @url ELSE s.url END,
    environment = CASE WHEN @set_environment::boolean THEN @environment ELSE s.environment END,
    modified_at = @now
WHERE s.id = @id AND s.deleted_at IS NULL
  AND EXISTS (SELECT FROM site_organizations so WHERE so.site_id = s.id AND so.organization_id = @organization_id);

-- name: DeleteSite :execrows
-- Only its owner can.
UPDATE sites SET deleted_at = @now, modified_at = @now
WHERE id = @id AND organization_id = @organization_id AND deleted_at IS NULL;

-- name: DeleteSiteState :exec
UPDATE site_states SET deleted_at = @now WHERE site_id = @site_id;

-- name: RevokeSiteKeys :exec
UPDATE site_keys SET revoked_at = @now WHERE site_id = @site_id AND revoked_at IS NULL;

-- name: NotifySiteKeys :exec
-- Makes every process forget a key (its hash in hex) or all keys of a site (`site:<id>`) when the transaction commits.
SELECT pg_notify('site_keys', @payload::text);

-- name: CreateSiteKey :one
INSERT INTO site_keys (site_id, key_hash, hint, created_by, created_at)
VALUES (@site_id, @key_hash, @hint, @created_by, @now)
RETURNING uuid, hint, created_at;

-- name: CountLiveSiteKeys :one
SELECT count(*)::bigint FROM site_keys WHERE site_id = @site_id AND revoked_at IS NULL;

-- name: ListSiteKeys :many
SELECT id, uuid, hint, created_at, last_used_at, revoked_at
FROM site_keys
WHERE site_id = @site_id AND id < @before_id
ORDER BY id DESC
LIMIT @max_rows;

-- name: RevokeSiteKey :one
-- Gives the hash of the key, also when it was revoked before.
UPDATE site_keys SET revoked_at = coalesce(revoked_at, @now)
WHERE site_id = @site_id AND uuid = @uuid
RETURNING key_hash;

-- name: ListSiteModules :many
-- Everything on a site now, with the verdict on it.
SELECT m.id AS module_id, m.module_name, m.title, m.drupal_link, p.project_type, p.valid_from,
       v.rule_set, v.version_number, v.datestamp, v.status, v.reason, v.class, v.recommended, v.update_available, v.security_update, v.verdict,
       f.fetched_at, st.platform_state
FROM site_module_periods p
JOIN site_states st ON st.site_id = p.site_id
JOIN module_versions v ON v.id = p.version_id
JOIN modules m ON m.id = p.module_id
LEFT JOIN feeds f ON f.module_id = p.module_id AND f.series = CASE v.rule_set WHEN '7' THEN '7.x' ELSE 'current' END
WHERE p.site_id = @site_id AND p.valid_to IS NULL;

-- name: GetSiteContent :one
-- The newest accepted raw report of a site, zstd.
SELECT c.body, c.body_size
FROM site_states st
JOIN report_contents c ON c.id = st.content_id
WHERE st.site_id = @site_id;

-- name: ListModuleVersionIDs :many
-- The installed versions of a project, as the different rules see them.
SELECT v.id
FROM modules m
JOIN module_versions v ON v.module_id = m.id
WHERE m.module_name = @module_name AND v.installed
  AND (@all_versions::boolean OR v.version_number = @version_number::text);

-- name: ListModuleSites :many
-- The organisation's sites that run one of the versions, in the order in which they were added.
-- OFFSET 0: who runs the versions is found out first, by their index, and in order.
SELECT s.id, s.uuid, s.name, s.url, v.version_number, v.status, v.recommended
FROM (
  SELECT p.site_id, p.version_id
  FROM site_module_periods p
  WHERE p.version_id = ANY(@version_ids::bigint[]) AND p.valid_to IS NULL AND p.site_id > @after_id
  ORDER BY p.site_id
  OFFSET 0) h
JOIN site_organizations so ON so.site_id = h.site_id AND so.organization_id = @organization_id
JOIN sites s ON s.id = h.site_id AND s.deleted_at IS NULL
JOIN module_versions v ON v.id = h.version_id
ORDER BY h.site_id
LIMIT @max_rows;
