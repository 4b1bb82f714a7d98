-- name: FindSiteKey :one
-- The site that a key opens; revoked keys and deleted sites open nothing.
SELECT k.id AS key_id, s.id AS site_id, s.uuid AS site_uuid, s.organization_id, s.name, s.url,
       coalesce(st.inventory_hash, '')::text AS inventory_hash
FROM site_keys k
JOIN sites s ON s.id = k.site_id
LEFT JOIN site_states st ON st.site_id = s.id
WHERE k.key_hash = @key_hash AND k.revoked_at IS NULL AND s.deleted_at IS NULL;

-- name: SiteInventoryHash :one
SELECT inventory_hash FROM site_states WHERE site_id = @site_id;

-- name: TouchSiteKeys :exec
UPDATE site_keys k SET last_used_at = greatest(k.last_used_at, t.used_at)
FROM (SELECT unnest(@ids::bigint[]) AS id, unnest(@used_at::timestamptz[]) AS used_at) t
WHERE k.id = t.id;
