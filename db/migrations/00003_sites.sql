-- Sites, their keys, what is on them since when, and their patch runs.

-- +goose Up
CREATE TABLE sites (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  uuid uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
  -- The organisation that owns the site.
  organization_id bigint NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  name text NOT NULL,
  url text NOT NULL,
  environment text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by bigint REFERENCES users (id) ON DELETE SET NULL,
  modified_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz
);
-- One index for each order of the site list.
CREATE INDEX sites_by_name_idx ON sites (organization_id, lower(name), id) WHERE deleted_at IS NULL;
CREATE INDEX sites_by_url_idx ON sites (organization_id, lower(url), id) WHERE deleted_at IS NULL;
CREATE INDEX sites_by_created_idx ON sites (organization_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX sites_search_idx ON sites USING gin (lower(name) gin_trgm_ops, lower(url) gin_trgm_ops) WHERE deleted_at IS NULL;
CREATE INDEX sites_created_by_idx ON sites (created_by);

-- Which organisations see a site. Exactly one owns it.
CREATE TABLE site_organizations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site_id bigint NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  organization_id bigint NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  is_owner boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (site_id, organization_id)
);
CREATE UNIQUE INDEX site_organizations_owner_key ON site_organizations (site_id) WHERE is_owner;
CREATE INDEX site_organizations_organization_id_idx ON site_organizations (organization_id, site_id);
-- Most sites are not shared; the list reads these few apart from the owned ones.
CREATE INDEX site_organizations_shared_idx ON site_organizations (organization_id, site_id) WHERE NOT is_owner;

CREATE TABLE site_keys (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  uuid uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
  site_id bigint NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  -- SHA-256 of the whole key.
  key_hash bytea NOT NULL UNIQUE,
  -- Beginning and end, to tell keys apart.
  hint text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by bigint REFERENCES users (id) ON DELETE SET NULL,
  last_used_at timestamptz,
  revoked_at timestamptz
);
CREATE INDEX site_keys_site_id_idx ON site_keys (site_id, id DESC);

-- The newest accepted raw report of each distinct inventory of a site, zstd.
-- What changes with every report (id, time, trigger) stands in audit_logs.
CREATE TABLE report_contents (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site_id bigint NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  -- SHA-256 of the report's bytes less id, time and trigger.
  content_hash bytea NOT NULL,
  body bytea NOT NULL,
  body_size integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (site_id, content_hash)
);

-- What is known of a site now, with the counters that the site list shows.
-- Apart from sites, so that a report never touches names and their indexes.
CREATE TABLE site_states (
  site_id bigint PRIMARY KEY REFERENCES sites (id) ON DELETE CASCADE,
  organization_id bigint NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  -- When the server last heard from the site.
  last_report_at timestamptz,
  -- The moment that the current inventory speaks for, and when it last changed.
  collected_at timestamptz,
  changed_at timestamptz,
  content_id bigint REFERENCES report_contents (id) ON DELETE SET NULL,
  content_hash bytea,
  -- The sender's own hash of the current inventory.
  inventory_hash text NOT NULL DEFAULT '',
  agent text NOT NULL DEFAULT '',
  rule_set text NOT NULL DEFAULT 'current',
  core_version text NOT NULL DEFAULT '',
  -- The numbers of core_version, for an order that people expect.
  core_version_parts integer[] NOT NULL DEFAULT '{}',
  core_status text NOT NULL DEFAULT 'unknown',
  php_version text NOT NULL DEFAULT '',
  php_sapi text NOT NULL DEFAULT '',
  db_driver text NOT NULL DEFAULT '',
  db_version text NOT NULL DEFAULT '',
  profile text NOT NULL DEFAULT '',
  reported_url text NOT NULL DEFAULT '',
  reported_name text NOT NULL DEFAULT '',
  reported_environment text NOT NULL DEFAULT '',
  insecure_count integer NOT NULL DEFAULT 0,
  unsupported_count integer NOT NULL DEFAULT 0,
  outdated_count integer NOT NULL DEFAULT 0,
  current_count integer NOT NULL DEFAULT 0,
  unknown_count integer NOT NULL DEFAULT 0,
  custom_count integer NOT NULL DEFAULT 0,
  update_count integer NOT NULL DEFAULT 0,
  security_update_count integer NOT NULL DEFAULT 0,
  deleted_at timestamptz
) WITH (fillfactor = 70);
-- All in one direction, so that a page after the first starts where the one before ended; read backwards for the worst first.
CREATE INDEX site_states_by_security_idx ON site_states (organization_id, insecure_count, unsupported_count, update_count, site_id) WHERE deleted_at IS NULL;
CREATE INDEX site_states_by_updates_idx ON site_states (organization_id, update_count, site_id) WHERE deleted_at IS NULL;
CREATE INDEX site_states_by_core_idx ON site_states (organization_id, core_version_parts, site_id) WHERE deleted_at IS NULL;

-- What was on a site from when to when: one row per project and version.
-- The row that is still true has no valid_to.
CREATE TABLE site_module_periods (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site_id bigint NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  module_id bigint NOT NULL,
  version_id bigint NOT NULL,
  -- core, module, theme or profile; `-uninstalled` behind it when nothing of it is installed.
  project_type text NOT NULL,
  valid_from timestamptz NOT NULL,
  valid_to timestamptz,
  FOREIGN KEY (module_id, version_id) REFERENCES module_versions (module_id, id)
);
CREATE UNIQUE INDEX site_module_periods_current_key ON site_module_periods (site_id, module_id) INCLUDE (version_id) WHERE valid_to IS NULL;
CREATE INDEX site_module_periods_version_idx ON site_module_periods (version_id, site_id) WHERE valid_to IS NULL;
CREATE INDEX site_module_periods_history_idx ON site_module_periods (site_id, valid_to) WHERE valid_to IS NOT NULL;

-- The current version of each project on each site, with the verdict on it.
CREATE VIEW site_modules AS
SELECT p.id, p.site_id, p.module_id, p.version_id AS current_version_id,
       v.update_available, v.security_update, v.status, p.project_type, p.valid_from AS installed_at
FROM site_module_periods p
JOIN module_versions v ON v.id = p.version_id
WHERE p.valid_to IS NULL;

CREATE TABLE patch_runs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site_id bigint NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  run_date timestamptz NOT NULL,
  trigger text NOT NULL,
  report_id uuid NOT NULL,
  item_count integer NOT NULL,
  security_fix_count integer NOT NULL
);
CREATE INDEX patch_runs_site_id_idx ON patch_runs (site_id, run_date DESC, id DESC);

CREATE TABLE patch_run_items (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  patch_run_id bigint NOT NULL REFERENCES patch_runs (id) ON DELETE CASCADE,
  module_id bigint NOT NULL REFERENCES modules (id),
  kind text NOT NULL CHECK (kind IN ('updated', 'added', 'removed')),
  from_version_id bigint REFERENCES module_versions (id),
  to_version_id bigint REFERENCES module_versions (id),
  -- The version before was insecure, and the one after was not, when it was applied.
  security_fix boolean NOT NULL
);
CREATE INDEX patch_run_items_patch_run_id_idx ON patch_run_items (patch_run_id);

-- +goose Down
DROP TABLE patch_run_items, patch_runs;
DROP VIEW site_modules;
DROP TABLE site_module_periods, site_states, report_contents, site_keys, site_organizations, sites;
