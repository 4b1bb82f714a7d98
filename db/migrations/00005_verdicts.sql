-- Why verdicts are what they are: when each changed, what an administrator says instead, and how long a platform lives.

-- +goose Up
-- Whether the release of Drupal core is still cared for; only on the rows of the project drupal.
-- supported, ending (soon no longer), minor-ended (a newer minor is needed),
-- ended (the whole major). Empty: not known.
ALTER TABLE module_versions
  ADD COLUMN platform_state text NOT NULL DEFAULT '' CHECK (platform_state IN ('', 'supported', 'ending', 'minor-ended', 'ended')),
  -- A date, a month, or the version of core with whose release it ends.
  ADD COLUMN platform_end text NOT NULL DEFAULT '';

ALTER TABLE site_states
  ADD COLUMN platform_state text NOT NULL DEFAULT '',
  ADD COLUMN platform_end text NOT NULL DEFAULT '',
  -- What is unsupported only because the whole platform is. It is counted once in unsupported_count.
  ADD COLUMN platform_ended_count integer NOT NULL DEFAULT 0;
-- The sites beyond the end of life of their platform, worst first.
CREATE INDEX site_states_end_of_life_idx ON site_states (organization_id, insecure_count, unsupported_count, update_count, site_id)
  WHERE deleted_at IS NULL AND platform_state IN ('minor-ended', 'ended');

-- Each time the status of an installed version changed, for good: what was on
-- a site when, and what was said of it then.
CREATE TABLE verdict_changes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version_id bigint NOT NULL REFERENCES module_versions (id),
  changed_at timestamptz NOT NULL,
  -- report: seen for the first time. feed, rules, coverage, override: what changed.
  reason text NOT NULL,
  -- NULL: there was none before.
  from_status text,
  to_status text NOT NULL
);
CREATE INDEX verdict_changes_version_id_idx ON verdict_changes (version_id, id DESC);
-- Older changes were not kept: history begins with the verdicts in force.
INSERT INTO verdict_changes (version_id, changed_at, reason, to_status)
SELECT id, judged_at, 'before', status FROM module_versions WHERE installed AND judged_at IS NOT NULL;

-- What an administrator says of a project instead of what its feed does.
CREATE TABLE verdict_overrides (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  uuid uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
  -- By name: it may be known before any site reports it.
  module_name text NOT NULL,
  -- One version; with `*` at its end all that begin so; empty for all.
  versions text NOT NULL,
  status text NOT NULL CHECK (status IN ('not-secure', 'revoked', 'not-supported', 'not-current', 'current', 'not-checked', 'unknown')),
  -- What people read beside the verdict, and why it is so.
  note text NOT NULL,
  reason text NOT NULL,
  until timestamptz,
  created_by bigint REFERENCES users (id) ON DELETE SET NULL,
  author text NOT NULL,
  created_at timestamptz NOT NULL,
  -- Set when it was removed, replaced or ran out, and the verdicts were judged without it.
  ended_at timestamptz,
  ended_because text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX verdict_overrides_active_key ON verdict_overrides (module_name, versions) WHERE ended_at IS NULL;
CREATE INDEX verdict_overrides_until_idx ON verdict_overrides (until) WHERE ended_at IS NULL;
CREATE INDEX verdict_overrides_created_by_idx ON verdict_overrides (created_by);

-- +goose Down
DROP TABLE verdict_overrides, verdict_changes;
DROP INDEX site_states_end_of_life_idx;
ALTER TABLE site_states DROP COLUMN platform_state, DROP COLUMN platform_end, DROP COLUMN platform_ended_count;
ALTER TABLE module_versions DROP COLUMN platform_state, DROP COLUMN platform_end;
