-- name: InsertSpool :exec
INSERT INTO report_spool (entry) SELECT unnest(@entries::bytea[]);

-- name: PeekSpool :many
-- The oldest that are not set aside.
SELECT id, entry, attempts FROM report_spool
WHERE NOT id = ANY(@aside::bigint[])
ORDER BY id LIMIT @max_rows;

-- name: DeleteSpool :execrows
DELETE FROM report_spool WHERE id = ANY(@ids::bigint[]);

-- name: FailSpool :one
UPDATE report_spool SET attempts = attempts + 1 WHERE id = @id RETURNING attempts;

-- name: InsertDeadLetter :one
INSERT INTO dead_letters (site_id, report_id, entry, reason, deliveries)
VALUES (sqlc.narg(site_id), sqlc.narg(report_id), @entry, @reason, @deliveries)
RETURNING id;

-- name: ListDeadLetters :many
-- Those not replayed yet, oldest first.
SELECT id, site_id, report_id, octet_length(entry) AS entry_size, reason, deliveries, created_at, replayed_at
FROM dead_letters
WHERE id > @after_id AND (@replayed::boolean OR replayed_at IS NULL)
ORDER BY id LIMIT @max_rows;

-- name: GetDeadLetter :one
SELECT id, site_id, report_id, entry, reason, deliveries, created_at, replayed_at FROM dead_letters WHERE id = @id;

-- name: ReplayDeadLetter :execrows
-- Back to where it is applied from, once.
WITH letter AS (
  UPDATE dead_letters SET replayed_at = now() WHERE dead_letters.id = @id AND replayed_at IS NULL RETURNING entry
)
INSERT INTO report_spool (entry) SELECT entry FROM letter;

-- name: DropDeadLetter :execrows
DELETE FROM dead_letters WHERE id = @id;
