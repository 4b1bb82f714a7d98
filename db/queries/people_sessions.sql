-- Sessions: who is signed in, and until when.

-- name: CreateSession :one
INSERT INTO sessions (user_id, token_hash, user_agent, address, created_at, last_used_at, expires_at)
VALUES (@user_id, @token_hash, @user_agent, @address, @now, @now, @expires_at)
RETURNING id;

-- name: GetSession :one
-- A live session and its user. Idle ones are as dead as expired ones.
SELECT s.id, s.last_used_at, u.id AS user_id, u.is_superuser
FROM sessions s
JOIN users u ON u.id = s.user_id
WHERE s.token_hash = @token_hash AND s.expires_at > @now AND s.last_used_at > @idle_since AND u.is_active;

-- name: TouchSession :exec
-- At most one write per session and minute, however many processes ask for it.
UPDATE sessions SET last_used_at = @now
WHERE id = @id AND last_used_at < @not_since;

-- name: DeleteSession :exec
DELETE FROM sessions WHERE token_hash = @token_hash;

-- name: DeleteUserSessions :exec
DELETE FROM sessions WHERE user_id = @user_id;

-- name: DeleteDeadSessions :execrows
DELETE FROM sessions WHERE expires_at <= @now OR last_used_at <= @idle_since;

-- name: ListLiveWatches :many
-- Of the open streams, given as pairs of session and organisation, those that may stay open.
SELECT t.position::bigint AS position
FROM (SELECT generate_subscripts(@session_ids::bigint[], 1) AS position,
             unnest(@session_ids::bigint[]) AS session_id,
             unnest(@organization_ids::bigint[]) AS organization_id) t
JOIN sessions s ON s.id = t.session_id
JOIN users u ON u.id = s.user_id
WHERE s.expires_at > @now AND s.last_used_at > @idle_since AND u.is_active
  AND (u.is_superuser OR EXISTS (
        SELECT FROM user_organizations uo
        WHERE uo.user_id = u.id AND uo.organization_id = t.organization_id));
