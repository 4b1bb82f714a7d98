-- Users, organisations, who may do what, and the first administrator.

-- name: GetOrganizationAccess :one
-- What a user may do in an organisation: rank 0 is nothing, for a superuser as well.
SELECT o.id, coalesce(r.rank, 0)::smallint AS rank
FROM organizations o
LEFT JOIN user_organizations uo ON uo.organization_id = o.id AND uo.user_id = @user_id
LEFT JOIN roles r ON r.id = uo.role_id
WHERE o.uuid = @organization_uuid;

-- name: GetSiteAccess :many
-- Each organisation that has the site, with the user's rank in it, the best first, the owner first among equals.
SELECT s.id AS site_id, so.organization_id, so.is_owner, coalesce(r.rank, 0)::smallint AS rank
FROM sites s
JOIN site_organizations so ON so.site_id = s.id
LEFT JOIN user_organizations uo ON uo.organization_id = so.organization_id AND uo.user_id = @user_id
LEFT JOIN roles r ON r.id = uo.role_id
WHERE s.uuid = @site_uuid AND s.deleted_at IS NULL
ORDER BY coalesce(r.rank, 0) DESC, so.is_owner DESC, so.organization_id;

-- name: GetSignInUser :one
SELECT id, uuid, name, email, password_hash, is_superuser
FROM users
WHERE lower(email) = lower(@email) AND is_active;

-- name: GetUserPassword :one
SELECT name, email, password_hash
FROM users
WHERE id = @id AND is_active;

-- name: GetUser :one
SELECT uuid, name, email, is_superuser
FROM users
WHERE id = @id;

-- name: SetUserPassword :execrows
-- Only where the password is still the one that was checked.
UPDATE users SET password_hash = @new_hash, modified_at = @now
WHERE id = @id AND password_hash = @old_hash;

-- name: ListMemberships :many
SELECT o.uuid, o.name, r.rank
FROM user_organizations uo
JOIN organizations o ON o.id = uo.organization_id
JOIN roles r ON r.id = uo.role_id
WHERE uo.user_id = @user_id
ORDER BY lower(o.name), o.id;

-- name: ListOrganizationsForSuperuser :many
-- Every organisation, the superuser's own with the role there, the others as their administrator.
SELECT o.uuid, o.name, coalesce(r.rank, 3)::smallint AS rank
FROM organizations o
LEFT JOIN user_organizations uo ON uo.organization_id = o.id AND uo.user_id = @user_id
LEFT JOIN roles r ON r.id = uo.role_id
ORDER BY (uo.id IS NULL), lower(o.name), o.id
LIMIT @max_rows;

-- name: GetOrganization :one
SELECT uuid, name, tax_id, created_at, modified_at
FROM organizations
WHERE id = @id;

-- name: UpdateOrganization :one
UPDATE organizations
SET name = CASE WHEN @set_name::boolean THEN @name ELSE name END,
    tax_id = CASE WHEN @set_tax_id::boolean THEN @tax_id ELSE tax_id END,
    modified_at = @now
WHERE id = @id
RETURNING uuid, name, tax_id, created_at, modified_at;

-- name: AddOrganizationRevision :exec
-- Keeps what the organisation is now; call it after the change, in the same transaction.
INSERT INTO organization_revisions (organization_id, content, created_by, created_at, modified_by, modified_at)
SELECT o.id, json_build_object('name', o.name, 'tax_id', o.tax_id), @user_id::bigint, @now, @user_id::bigint, @now
FROM organizations o
WHERE o.id = @organization_id;

-- name: ListMembers :many
SELECT u.id, u.uuid, u.name, u.email, r.rank, uo.created_at, lower(u.name)::text AS sort_name
FROM user_organizations uo
JOIN users u ON u.id = uo.user_id
JOIN roles r ON r.id = uo.role_id
WHERE uo.organization_id = @organization_id
  AND (@first::boolean OR (lower(u.name), u.id) > (@after_name::text, @after_id::bigint))
ORDER BY lower(u.name), u.id
LIMIT @max_rows;

-- name: HasUsers :one
SELECT EXISTS (SELECT FROM users);

-- name: LockSetup :exec
-- Lets one set-up at a time through, in any process, until its transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('drumbeat set-up', 0));

-- name: AddSetupToken :exec
INSERT INTO setup_tokens (token_hash, created_at) VALUES (@token_hash, @now);

-- name: IsNewestSetupToken :one
SELECT coalesce((SELECT token_hash = @token_hash::bytea AND used_at IS NULL
                 FROM setup_tokens ORDER BY id DESC LIMIT 1), false)::boolean;

-- name: UseSetupTokens :exec
UPDATE setup_tokens SET used_at = @now WHERE used_at IS NULL;

-- name: CreateUser :one
INSERT INTO users (name, email, password_hash, is_superuser, created_at, modified_at)
VALUES (@name, @email, @password_hash, @is_superuser, @now, @now)
RETURNING id, uuid;

-- name: CreateOrganization :one
INSERT INTO organizations (name, created_by, created_at, modified_at)
VALUES (@name, @created_by, @now, @now)
RETURNING id, uuid;

-- name: AddMember :exec
INSERT INTO user_organizations (user_id, organization_id, role_id, created_at)
SELECT @user_id, @organization_id, r.id, @now
FROM roles r WHERE r.name = @role;

-- name: SetHomeOrganization :exec
UPDATE users SET organization_id = @organization_id WHERE id = @user_id;

-- name: AddPlatformRole :exec
INSERT INTO user_roles (user_id, role_id)
SELECT @user_id, r.id FROM roles r WHERE r.name = @role
ON CONFLICT (user_id, role_id) DO NOTHING;

-- name: GetNotificationPreferences :one
SELECT notification_preferences FROM users WHERE id = @id;

-- name: SetNotificationPreferences :exec
UPDATE users SET notification_preferences = @preferences, modified_at = @now WHERE id = @id;
