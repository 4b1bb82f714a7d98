-- name: ActiveOverrides :many
-- What administrators say of modules. Whether its time has passed is for the caller to see.
SELECT m.id AS module_id, o.versions, o.status, o.note, o.reason, o.until, o.author, o.created_at
FROM verdict_overrides o
JOIN modules m ON m.module_name = o.module_name
WHERE m.id = ANY(@module_ids::bigint[]) AND o.ended_at IS NULL;

-- name: ListOverrides :many
-- Newest first; those that ended too where asked for.
SELECT o.id, o.uuid, o.module_name, o.versions, o.status, o.note, o.reason, o.until, o.author, o.created_at,
       o.ended_at, o.ended_because
FROM verdict_overrides o
WHERE (@with_ended::boolean OR o.ended_at IS NULL)
  AND (@module_name::text = '' OR o.module_name = @module_name::text)
  AND o.id < @before_id::bigint
ORDER BY o.id DESC
LIMIT @most::integer;

-- name: AddOverride :one
INSERT INTO verdict_overrides (module_name, versions, status, note, reason, until, created_by, author, created_at)
VALUES (@module_name, @versions, @status, @note, @reason, @until, @created_by, @author, @now)
RETURNING id, uuid;

-- name: EndOverrideOf :execrows
-- Ends what is in force for exactly these versions of a module.
UPDATE verdict_overrides SET ended_at = @now::timestamptz, ended_because = @because::text
WHERE module_name = @module_name::text AND versions = @versions::text AND ended_at IS NULL;

-- name: EndOverride :one
UPDATE verdict_overrides SET ended_at = @now::timestamptz, ended_because = @because::text
WHERE uuid = @uuid AND ended_at IS NULL
RETURNING module_name, versions;

-- name: EndExpiredOverrides :many
UPDATE verdict_overrides SET ended_at = @now::timestamptz, ended_because = 'its time was over'
WHERE ended_at IS NULL AND until <= @now::timestamptz
RETURNING module_name, versions;

-- name: OverridesExpired :one
-- Whether any has run out that still counts as in force.
SELECT EXISTS (SELECT FROM verdict_overrides WHERE ended_at IS NULL AND until <= @now::timestamptz);
