-- name: AddSpread :exec
INSERT INTO verdict_spreads (reason, version_ids, created_at) VALUES (@reason, @version_ids, @now);

-- name: NotifySpreads :exec
SELECT pg_notify('verdict_spreads', '');

-- name: ClaimSpread :one
-- The oldest unfinished spread that no other process has in hand.
SELECT id, version_ids, done_site_id, site_count
FROM verdict_spreads
WHERE finished_at IS NULL
ORDER BY id
LIMIT 1
FOR UPDATE SKIP LOCKED;

-- name: ClaimUnbegunSpreads :many
-- Other spreads that have not begun, to be done together with the given one.
SELECT id, version_ids
FROM verdict_spreads
WHERE finished_at IS NULL AND done_site_id = 0 AND id <> @id
ORDER BY id
LIMIT @most::integer
FOR UPDATE SKIP LOCKED;

-- name: JoinSpreads :exec
-- Hands the versions of other spreads to one of them, which makes the others finished.
WITH others AS (
  UPDATE verdict_spreads SET finished_at = @now::timestamptz, reason = left(reason, 400) || ' (done with ' || @id::bigint || ')'
  WHERE id = ANY(@other_ids::bigint[])
)
UPDATE verdict_spreads SET version_ids = @version_ids::bigint[] WHERE id = @id::bigint;

-- name: SitesRunning :many
-- The next sites, by id, that run one of the versions.
SELECT DISTINCT n.site_id
FROM (SELECT unnest(@version_ids::bigint[]) AS id) v
CROSS JOIN LATERAL (
  SELECT p.site_id
  FROM site_module_periods p
  WHERE p.version_id = v.id AND p.site_id > @after_site_id AND p.valid_to IS NULL
  ORDER BY p.site_id
  LIMIT @most::integer) n
ORDER BY n.site_id
LIMIT @most::integer;

-- name: LockSiteStates :exec
-- In the order of the ids, as everything that counts does.
SELECT site_id FROM site_states WHERE site_id = ANY(@site_ids::bigint[]) ORDER BY site_id FOR NO KEY UPDATE;

-- name: AdvanceSpread :exec
UPDATE verdict_spreads SET done_site_id = @done_site_id, site_count = site_count + @sites WHERE id = @id;

-- name: FinishSpread :exec
UPDATE verdict_spreads SET finished_at = @now::timestamptz WHERE id = @id;

-- name: DropOldSpreads :exec
DELETE FROM verdict_spreads WHERE finished_at < @before::timestamptz;

-- name: PlanForManySites :exec
-- For the rest of the transaction: plans that suit the actual number of sites. A
-- plan for any number looks up the verdict on every project of every site on
-- its own, which takes twice as long.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('work_mem', '32MB', true);
