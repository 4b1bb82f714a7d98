-- drupal.org's projects, their releases, and the verdict on each installed version.

-- +goose Up
-- One row is one drupal.org project: core, module, theme or profile.
CREATE TABLE modules (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  module_name text NOT NULL UNIQUE,
  title text NOT NULL DEFAULT '',
  drupal_link text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- The release history of a project in one series of the feed: `current` or `7.x`.
CREATE TABLE feeds (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  module_id bigint NOT NULL REFERENCES modules (id),
  series text NOT NULL CHECK (series IN ('current', '7.x')),
  -- never: not asked yet. ok: content is what the source last said.
  -- missing: the source knows no such project. failed: the last request
  -- failed. malformed: the last answer was no release history.
  -- After failed and malformed the last good content stays in force.
  state text NOT NULL DEFAULT 'never' CHECK (state IN ('never', 'ok', 'missing', 'failed', 'malformed')),
  error text NOT NULL DEFAULT '',
  failures integer NOT NULL DEFAULT 0,
  etag text NOT NULL DEFAULT '',
  last_modified text NOT NULL DEFAULT '',
  -- The last good document, zstd, and its SHA-256.
  content bytea,
  content_hash bytea,
  -- When content was last confirmed or replaced.
  fetched_at timestamptz,
  changed_at timestamptz,
  checked_at timestamptz,
  next_check_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (module_id, series)
);
CREATE INDEX feeds_next_check_at_idx ON feeds (next_check_at);

-- A version of a project as one rule set sees it: what the feed says of it,
-- and the verdict on it where some site has it installed.
CREATE TABLE module_versions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  module_id bigint NOT NULL REFERENCES modules (id),
  -- The rules of Drupal core that judge: current, 10.2 (10.0 to 10.2) or 7.
  -- Releases of the feed stand under current and 7.
  rule_set text NOT NULL CHECK (rule_set IN ('current', '10.2', '7')),
  -- As the site or the feed writes it. NULL: the site knows no version; '': it says an empty one.
  version_number text,
  -- Packaging time of a development snapshot as the site reports it; 0 for everything else.
  datestamp bigint NOT NULL DEFAULT 0,

  -- From the feed; in_feed is false for what the feed does not list.
  in_feed boolean NOT NULL DEFAULT false,
  feed_position integer NOT NULL DEFAULT 0,
  release_date timestamptz,
  release_status text NOT NULL DEFAULT '',
  terms text[] NOT NULL DEFAULT '{}',
  security_coverage text NOT NULL DEFAULT '',
  core_compatibility text NOT NULL DEFAULT '',
  release_link text NOT NULL DEFAULT '',
  download_link text NOT NULL DEFAULT '',

  -- Whether any site ever reported it; only such rows carry a verdict.
  installed boolean NOT NULL DEFAULT false,
  status text NOT NULL DEFAULT 'unknown' CHECK (status IN ('not-secure', 'revoked', 'not-supported', 'not-current', 'current', 'not-checked', 'unknown', 'not-fetched')),
  reason text NOT NULL DEFAULT '',
  -- insecure, unsupported (also revoked), outdated, current or unknown: what the counters count.
  class text NOT NULL DEFAULT 'unknown' CHECK (class IN ('insecure', 'unsupported', 'outdated', 'current', 'unknown')),
  recommended text,
  update_available boolean NOT NULL DEFAULT false,
  security_update boolean NOT NULL DEFAULT false,
  -- The whole verdict with its evidence, as the rules gave it.
  verdict jsonb,
  -- When this verdict was first given, and by which version of the rules.
  judged_at timestamptz,
  rules_version integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE NULLS NOT DISTINCT (module_id, rule_set, version_number, datestamp),
  UNIQUE (module_id, id)
);

-- A verdict that changed, on its way to the counters of the sites that run the version.
CREATE TABLE verdict_spreads (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  reason text NOT NULL,
  version_ids bigint[] NOT NULL,
  -- Sites up to this id are done.
  done_site_id bigint NOT NULL DEFAULT 0,
  site_count bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);
CREATE INDEX verdict_spreads_open_idx ON verdict_spreads (id) WHERE finished_at IS NULL;

-- +goose Down
DROP TABLE verdict_spreads, module_versions, feeds, modules;
