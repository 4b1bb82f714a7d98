-- People, organisations and who is what in which.

-- +goose Up
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  uuid uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
  name text NOT NULL,
  email text NOT NULL,
  password_hash text NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  is_superuser boolean NOT NULL DEFAULT false,
  -- The organisation that opens first. What a user may do is in user_organizations.
  organization_id bigint,
  -- The role in that organisation, kept by a trigger; '' for none.
  role text NOT NULL DEFAULT '',
  notification_preferences jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  modified_at timestamptz NOT NULL DEFAULT now()
);
-- One account per address, however it is written.
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

CREATE TABLE organizations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  uuid uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
  name text NOT NULL,
  tax_id text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by bigint REFERENCES users (id) ON DELETE SET NULL,
  modified_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX organizations_name_idx ON organizations (name);
CREATE INDEX organizations_created_by_idx ON organizations (created_by);
ALTER TABLE users ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE SET NULL;
CREATE INDEX users_organization_id_idx ON users (organization_id);

-- What an organisation was after each change, and who changed it.
CREATE TABLE organization_revisions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organization_id bigint NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  content jsonb NOT NULL,
  created_by bigint REFERENCES users (id) ON DELETE SET NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  modified_by bigint REFERENCES users (id) ON DELETE SET NULL,
  modified_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX organization_revisions_organization_id_idx ON organization_revisions (organization_id, id DESC);

-- `rank` orders the roles of an organisation from least to most; it is what the contract's Role enum holds.
CREATE TABLE roles (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  rank smallint NOT NULL
);
INSERT INTO roles (name, rank) VALUES ('developer', 1), ('user', 2), ('organization_admin', 3), ('superuser', 4);

-- Roles on the whole platform.
CREATE TABLE user_roles (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role_id bigint NOT NULL REFERENCES roles (id),
  UNIQUE (user_id, role_id)
);

-- Roles in one organisation.
CREATE TABLE user_organizations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  organization_id bigint NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  role_id bigint NOT NULL REFERENCES roles (id),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (user_id, organization_id)
);
CREATE INDEX user_organizations_organization_id_idx ON user_organizations (organization_id);

-- Keeps users.role true, whichever of the two tables changes.
-- +goose StatementBegin
CREATE FUNCTION mirror_home_role() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed bigint;
BEGIN
  IF TG_TABLE_NAME = 'users' THEN
    changed := NEW.id;
  ELSIF TG_OP = 'DELETE' THEN
    changed := OLD.user_id;
  ELSE
    changed := NEW.user_id;
  END IF;
  UPDATE users u SET role = coalesce((
    SELECT r.name FROM user_organizations uo JOIN roles r ON r.id = uo.role_id
    WHERE uo.user_id = u.id AND uo.organization_id = u.organization_id), '')
  WHERE u.id = changed;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER user_organizations_mirror AFTER INSERT OR UPDATE OR DELETE ON user_organizations
  FOR EACH ROW EXECUTE FUNCTION mirror_home_role();
CREATE TRIGGER users_mirror AFTER INSERT OR UPDATE OF organization_id ON users
  FOR EACH ROW EXECUTE FUNCTION mirror_home_role();

CREATE TABLE sessions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- SHA-256 of the token in the cookie.
  token_hash bytea NOT NULL UNIQUE,
  user_agent text NOT NULL DEFAULT '',
  address text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

-- One-time links for the first administrator; only the newest counts.
CREATE TABLE setup_tokens (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  token_hash bytea NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now(),
  used_at timestamptz
);

-- +goose Down
DROP TABLE setup_tokens, sessions, user_organizations, user_roles, roles, organization_revisions CASCADE;
ALTER TABLE users DROP COLUMN organization_id CASCADE;
DROP TABLE organizations, users;
DROP FUNCTION mirror_home_role;
