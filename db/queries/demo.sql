-- The demo fleet: only ever in a database of its own.

-- name: FindDemoOwner :one
SELECT u.id AS user_id, o.uuid AS organization_uuid
FROM users u
JOIN user_organizations uo ON uo.user_id = u.id
JOIN organizations o ON o.id = uo.organization_id
WHERE lower(u.email) = lower(@email);

-- name: ListDemoSites :many
SELECT s.id, s.url
FROM sites s
JOIN organizations o ON o.id = s.organization_id
WHERE o.uuid = @organization_uuid;

-- name: SpoolDemoReports :copyfrom
INSERT INTO report_spool (entry) VALUES (@entry);

-- name: CountSpooled :one
SELECT count(*) FROM report_spool;

-- name: EnsureDemoPartitions :one
SELECT ensure_audit_partitions(@first::timestamptz, @months::integer);
