-- name: FeedsOfModules :many
-- What a verdict needs to know of feeds, without their content.
SELECT f.id, f.module_id, f.series, f.state, f.content_hash, m.module_name
FROM feeds f
JOIN modules m ON m.id = f.module_id
WHERE f.module_id = ANY(@module_ids::bigint[]);

-- name: FeedContents :many
SELECT id, content, content_hash FROM feeds WHERE id = ANY(@ids::bigint[]) AND content IS NOT NULL;

-- name: ClaimDueFeeds :many
-- Takes feeds whose time has come. They are due again at `lease_until` should
-- this process not live to say how it went. A feed that nobody has in use any
-- more is still kept, only asked for rarely.
WITH due AS (
  SELECT f.id
  FROM feeds f
  WHERE f.next_check_at <= @now::timestamptz
  ORDER BY f.next_check_at
  LIMIT @most::integer
  FOR UPDATE SKIP LOCKED
), claimed AS (
  UPDATE feeds f SET next_check_at = @lease_until::timestamptz
  FROM due
  WHERE f.id = due.id
  RETURNING f.id, f.module_id, f.series, f.state, f.failures, f.etag, f.last_modified, f.content_hash, f.checked_at
)
SELECT c.*, m.module_name,
       (EXISTS (SELECT FROM module_versions v
                JOIN site_module_periods p ON p.version_id = v.id AND p.valid_to IS NULL
                WHERE v.module_id = c.module_id AND v.installed
                  AND (v.rule_set = '7') = (c.series = '7.x')))::boolean AS in_use
FROM claimed c
JOIN modules m ON m.id = c.module_id
ORDER BY c.id;

-- name: NextFeedCheck :one
-- When the next feed is due; NULL when there is none at all.
SELECT min(next_check_at)::timestamptz AS next_check_at FROM feeds HAVING min(next_check_at) IS NOT NULL;

-- name: PostponeFeed :exec
-- Gives a claimed feed back unasked.
UPDATE feeds SET next_check_at = @next_check_at WHERE id = @id;

-- name: WantFeeds :execrows
-- Makes feeds due at once: those of the given modules, or all.
UPDATE feeds f SET next_check_at = @now::timestamptz
FROM modules m
WHERE m.id = f.module_id AND (@everything::boolean OR m.module_name = ANY(@modules::text[]))
  AND f.next_check_at > @now::timestamptz;

-- name: RecordFeedChecks :exec
-- Writes down checks that brought nothing a verdict depends on.
UPDATE feeds f
SET state = w.state, error = w.error, failures = w.failures, etag = w.etag, last_modified = w.last_modified,
    fetched_at = CASE WHEN w.confirmed THEN w.checked_at ELSE f.fetched_at END,
    checked_at = w.checked_at, next_check_at = w.next_check_at
FROM (SELECT unnest(@ids::bigint[]) AS id, unnest(@states::text[]) AS state, unnest(@errors::text[]) AS error,
             unnest(@failures::integer[]) AS failures, unnest(@etags::text[]) AS etag,
             unnest(@last_modifieds::text[]) AS last_modified, unnest(@confirmed::boolean[]) AS confirmed,
             unnest(@checked_at::timestamptz[]) AS checked_at,
             unnest(@next_check_at::timestamptz[]) AS next_check_at) w
WHERE f.id = w.id;

-- name: StoreFeedContents :exec
UPDATE feeds f
SET content = w.content, content_hash = w.content_hash, changed_at = w.changed_at
FROM (SELECT unnest(@ids::bigint[]) AS id, unnest(@contents::bytea[]) AS content,
             unnest(@content_hashes::bytea[]) AS content_hash, unnest(@changed_at::timestamptz[]) AS changed_at) w
WHERE f.id = w.id;

-- name: TitleModules :exec
UPDATE modules m SET title = w.title
FROM (SELECT unnest(@ids::bigint[]) AS id, unnest(@titles::text[]) AS title) w
WHERE m.id = w.id AND m.title <> w.title;

-- name: StoreReleases :execrows
-- Writes what feeds say of releases, where that is not known yet. feed_position
-- counts from the end of a feed, so that a new release at its top changes no other row.
WITH listed AS (
  SELECT unnest(@module_ids::bigint[]) AS module_id, unnest(@rule_sets::text[]) AS rule_set,
         unnest(@versions::text[]) AS version_number, unnest(@positions::integer[]) AS feed_position,
         unnest(@dates::bigint[]) AS release_date, unnest(@statuses::text[]) AS release_status,
         unnest(@terms::text[]) AS terms, unnest(@coverages::text[]) AS security_coverage,
         unnest(@core_compatibilities::text[]) AS core_compatibility,
         unnest(@release_links::text[]) AS release_link, unnest(@download_links::text[]) AS download_link
), facts AS (
  SELECT l.module_id, l.rule_set, l.version_number, l.feed_position,
         CASE WHEN l.release_date > 0 THEN to_timestamp(l.release_date::double precision) END AS release_date,
         l.release_status,
         CASE WHEN l.terms = '' THEN '{}'::text[] ELSE string_to_array(l.terms, E'\x1f') END AS terms,
         l.security_coverage, l.core_compatibility, l.release_link, l.download_link
  FROM listed l
)
INSERT INTO module_versions (module_id, rule_set, version_number, datestamp, in_feed, feed_position, release_date,
  release_status, terms, security_coverage, core_compatibility, release_link, download_link)
SELECT n.module_id, n.rule_set, n.version_number, 0, true, n.feed_position, n.release_date,
       n.release_status, n.terms, n.security_coverage, n.core_compatibility, n.release_link, n.download_link
FROM facts n
LEFT JOIN module_versions v ON v.module_id = n.module_id AND v.rule_set = n.rule_set
  AND v.version_number = n.version_number AND v.datestamp = 0
WHERE v.id IS NULL
   OR (v.in_feed, v.feed_position, v.release_date, v.release_status, v.terms, v.security_coverage,
       v.core_compatibility, v.release_link, v.download_link)
      IS DISTINCT FROM
      (true, n.feed_position, n.release_date, n.release_status, n.terms, n.security_coverage,
       n.core_compatibility, n.release_link, n.download_link)
ON CONFLICT (module_id, rule_set, version_number, datestamp) DO UPDATE
SET in_feed = true, feed_position = excluded.feed_position, release_date = excluded.release_date,
    release_status = excluded.release_status, terms = excluded.terms, security_coverage = excluded.security_coverage,
    core_compatibility = excluded.core_compatibility, release_link = excluded.release_link,
    download_link = excluded.download_link;

-- name: ListedVersions :many
-- The versions that a module's feed listed when it was last stored.
SELECT id, module_id, rule_set, version_number
FROM module_versions
WHERE module_id = ANY(@module_ids::bigint[]) AND in_feed;

-- name: UnlistVersions :exec
UPDATE module_versions SET in_feed = false WHERE id = ANY(@ids::bigint[]);

-- name: InstalledVersions :many
-- The installed versions of modules, with the verdicts on them.
SELECT id, module_id, rule_set, version_number, datestamp, status, reason, class, recommended,
       update_available, security_update, verdict, judged_at, rules_version
FROM module_versions
WHERE module_id = ANY(@module_ids::bigint[]) AND installed
ORDER BY id;

-- name: RecordVerdictChanges :exec
-- Notes which statuses are about to change, and why. Goes before StoreVerdicts.
INSERT INTO verdict_changes (version_id, changed_at, reason, from_status, to_status)
SELECT v.id, @now::timestamptz, @reason::text, CASE WHEN v.judged_at IS NOT NULL THEN v.status END, w.status
FROM (SELECT unnest(@ids::bigint[]) AS id, unnest(@statuses::text[]) AS status) w
JOIN module_versions v ON v.id = w.id
WHERE v.judged_at IS NULL OR v.status <> w.status
ORDER BY v.id;

-- name: VerdictChanges :many
-- The newest changes of the status of a version.
SELECT changed_at, reason, from_status, to_status
FROM verdict_changes
WHERE version_id = @version_id
ORDER BY id DESC
LIMIT @most::integer;

-- name: StoreVerdicts :exec
UPDATE module_versions v
SET status = w.status, reason = w.reason, class = w.class, recommended = nullif(w.recommended, ''),
    update_available = w.update_available, security_update = w.security_update,
    verdict = w.verdict::jsonb, platform_state = w.platform_state, platform_end = w.platform_end,
    rules_version = @rules_version::integer,
    judged_at = CASE WHEN w.first_given THEN @now::timestamptz ELSE v.judged_at END
FROM (SELECT unnest(@ids::bigint[]) AS id, unnest(@statuses::text[]) AS status, unnest(@reasons::text[]) AS reason,
             unnest(@classes::text[]) AS class, unnest(@recommended::text[]) AS recommended,
             unnest(@updates_available::boolean[]) AS update_available,
             unnest(@security_updates::boolean[]) AS security_update, unnest(@verdicts::text[]) AS verdict,
             unnest(@platform_states::text[]) AS platform_state, unnest(@platform_ends::text[]) AS platform_end,
             unnest(@first_given::boolean[]) AS first_given) w
WHERE v.id = w.id;

-- name: StampVerdicts :exec
-- Notes that newer rules gave the same verdicts.
UPDATE module_versions SET rules_version = @rules_version::integer WHERE id = ANY(@ids::bigint[]);

-- name: ModulesJudgedByOlderRules :many
SELECT DISTINCT module_id
FROM module_versions
WHERE installed AND rules_version < @rules_version::integer
ORDER BY module_id
LIMIT @most::integer;

-- name: ListFeeds :many
-- A page of feeds in the order of names, after the given one.
SELECT f.id, m.module_name, f.series, f.state, f.error, f.failures, f.fetched_at, f.changed_at, f.checked_at,
       f.next_check_at, coalesce(length(f.content), 0)::integer AS content_size
FROM feeds f
JOIN modules m ON m.id = f.module_id
WHERE (m.module_name, f.series) > (@after_module::text, @after_series::text)
  AND (@state::text = '' OR f.state = @state::text)
  AND (@search::text = '' OR position(lower(@search::text) IN m.module_name) > 0)
ORDER BY m.module_name, f.series
LIMIT @most::integer;

-- name: CountFeeds :many
-- The year 1 stands for never.
SELECT state, count(*) AS feeds, coalesce(min(fetched_at), '0001-01-01 00:00:00+00')::timestamptz AS oldest_fetch
FROM feeds
GROUP BY state
ORDER BY state;

-- name: FeedsOfModule :many
SELECT f.id, m.module_name, m.title, m.drupal_link, f.module_id, f.series, f.state, f.error, f.failures, f.fetched_at,
       f.changed_at, f.checked_at, f.next_check_at, coalesce(length(f.content), 0)::integer AS content_size
FROM feeds f
JOIN modules m ON m.id = f.module_id
WHERE m.module_name = @module_name::text
ORDER BY f.series;

-- name: VersionsInUse :many
-- The installed versions of a module with the number of sites that run them now.
SELECT v.id, v.rule_set, v.version_number, v.datestamp, v.verdict, v.judged_at,
       (SELECT count(*) FROM site_module_periods p WHERE p.version_id = v.id AND p.valid_to IS NULL) AS sites
FROM module_versions v
WHERE v.module_id = @module_id AND v.installed
ORDER BY v.rule_set, v.feed_position DESC, v.version_number, v.datestamp;

-- name: ReleasesOfModule :many
-- What the feed lists, newest first.
SELECT rule_set, version_number, release_date, release_status, terms, security_coverage, release_link
FROM module_versions
WHERE module_id = @module_id AND in_feed
ORDER BY rule_set, feed_position DESC;

-- name: ClaimFeedsOf :many
-- Takes feeds whether they are due or not: those of the given modules, or all;
-- in the order of their ids, after the given one.
WITH asked AS (
  SELECT f.id
  FROM feeds f
  JOIN modules m ON m.id = f.module_id
  WHERE f.id > @after_id::bigint AND (@everything::boolean OR m.module_name = ANY(@modules::text[]))
  ORDER BY f.id
  LIMIT @most::integer
  FOR UPDATE OF f SKIP LOCKED
), claimed AS (
  UPDATE feeds f SET next_check_at = @lease_until::timestamptz
  FROM asked
  WHERE f.id = asked.id
  RETURNING f.id, f.module_id, f.series, f.state, f.failures, f.etag, f.last_modified, f.content_hash, f.checked_at
)
SELECT c.*, m.module_name,
       (EXISTS (SELECT FROM module_versions v
                JOIN site_module_periods p ON p.version_id = v.id AND p.valid_to IS NULL
                WHERE v.module_id = c.module_id AND v.installed
                  AND (v.rule_set = '7') = (c.series = '7.x')))::boolean AS in_use
FROM claimed c
JOIN modules m ON m.id = c.module_id
ORDER BY c.id;

-- name: SiteModuleEvidence :one
-- One project on a site with the verdict on it, and what is known of its feed.
SELECT m.id AS module_id, m.module_name, m.title, m.drupal_link, p.project_type, p.valid_from,
       v.id AS version_id, v.rule_set, v.version_number, v.datestamp, v.status, v.class, v.recommended,
       v.update_available, v.security_update, v.verdict, v.judged_at,
       f.id AS feed_id, f.series, f.state, f.error, f.failures, f.fetched_at, f.changed_at, f.checked_at, f.next_check_at,
       st.core_version, st.platform_state, st.platform_end
FROM modules m
JOIN site_module_periods p ON p.module_id = m.id AND p.site_id = @site_id AND p.valid_to IS NULL
JOIN module_versions v ON v.id = p.version_id
JOIN site_states st ON st.site_id = p.site_id
LEFT JOIN feeds f ON f.module_id = m.id AND f.series = CASE v.rule_set WHEN '7' THEN '7.x' ELSE 'current' END
WHERE m.module_name = @module_name::text;
