-- The site list, one query for each order. They give ids; GetSitesByID gives what is shown.
--
-- They are run with a plan of their own for each call, so that PostgreSQL sees
-- the arguments: a condition that a call does not use vanishes, and the order
-- is read from its index from where the page before ended. Owned sites and the
-- few shared ones are read apart, because only so does the order come from an
-- index. OFFSET 0 keeps PostgreSQL from turning a test of the rows it passes
-- into a join that it would start from the wrong end.
--
-- State: 0 all, 1 insecure, 2 unsupported, 3 outdated, 4 unknown, 5 current, 6 waiting, 7 silent, 8 end of life (SiteState of the contract).
-- A search that finds few sites gives their ids, one that finds many its pattern; see FindSites.

-- name: ListSitesBySecurity :many
-- Insecure first, then unsupported, then updates, when descending.
SELECT x.id::bigint AS id
FROM ((
    SELECT st.site_id AS id, st.insecure_count AS k1, st.unsupported_count AS k2, st.update_count AS k3
    FROM site_states st
    WHERE st.organization_id = @organization_id AND st.deleted_at IS NULL
      AND (@state::int = 0
        OR (@state = 1 AND st.insecure_count > 0)
        OR (@state = 2 AND st.unsupported_count > 0)
        OR (@state = 3 AND st.update_count > 0)
        OR (@state = 4 AND st.unknown_count > 0)
        OR (@state = 5 AND st.last_report_at IS NOT NULL AND st.insecure_count + st.unsupported_count + st.outdated_count + st.unknown_count = 0 AND st.platform_state NOT IN ('minor-ended', 'ended'))
        OR (@state = 6 AND st.last_report_at IS NULL)
        OR (@state = 7 AND st.last_report_at < @silent_before::timestamptz)
        OR (@state = 8 AND st.platform_state IN ('minor-ended', 'ended')))
      AND (NOT @narrowed::boolean OR st.site_id = ANY(@ids::bigint[]))
      AND (@pattern::text = '' OR EXISTS (
        SELECT FROM sites s WHERE s.id = st.site_id AND (lower(s.name) LIKE lower(@pattern) OR lower(s.url) LIKE lower(@pattern)) OFFSET 0))
      AND (@first::boolean
        OR (@descending::boolean AND (st.insecure_count, st.unsupported_count, st.update_count, st.site_id) < (@key1::int, @key2::int, @key3::int, @key_id::bigint))
        OR (NOT @descending::boolean AND (st.insecure_count, st.unsupported_count, st.update_count, st.site_id) > (@key1::int, @key2::int, @key3::int, @key_id::bigint)))
    ORDER BY CASE WHEN @descending::boolean THEN st.insecure_count END DESC, CASE WHEN @descending::boolean THEN st.unsupported_count END DESC, CASE WHEN @descending::boolean THEN st.update_count END DESC, CASE WHEN @descending::boolean THEN st.site_id END DESC,
           CASE WHEN NOT @descending::boolean THEN st.insecure_count END, CASE WHEN NOT @descending::boolean THEN st.unsupported_count END, CASE WHEN NOT @descending::boolean THEN st.update_count END, CASE WHEN NOT @descending::boolean THEN st.site_id END
    LIMIT @max_rows)
  UNION ALL
  (
    SELECT st.site_id AS id, st.insecure_count AS k1, st.unsupported_count AS k2, st.update_count AS k3
    FROM site_organizations so
    CROSS JOIN LATERAL (SELECT h.* FROM site_states h WHERE h.site_id = so.site_id AND h.deleted_at IS NULL OFFSET 0) st
    WHERE so.organization_id = @organization_id AND NOT so.is_owner
      AND (@state::int = 0
        OR (@state = 1 AND st.insecure_count > 0)
        OR (@state = 2 AND st.unsupported_count > 0)
        OR (@state = 3 AND st.update_count > 0)
        OR (@state = 4 AND st.unknown_count > 0)
        OR (@state = 5 AND st.last_report_at IS NOT NULL AND st.insecure_count + st.unsupported_count + st.outdated_count + st.unknown_count = 0 AND st.platform_state NOT IN ('minor-ended', 'ended'))
        OR (@state = 6 AND st.last_report_at IS NULL)
        OR (@state = 7 AND st.last_report_at < @silent_before::timestamptz)
        OR (@state = 8 AND st.platform_state IN ('minor-ended', 'ended')))
      AND (NOT @narrowed::boolean OR st.site_id = ANY(@ids::bigint[]))
      AND (@pattern::text = '' OR EXISTS (
        SELECT FROM sites s WHERE s.id = st.site_id AND (lower(s.name) LIKE lower(@pattern) OR lower(s.url) LIKE lower(@pattern)) OFFSET 0))
      AND (@first::boolean
        OR (@descending::boolean AND (st.insecure_count, st.unsupported_count, st.update_count, st.site_id) < (@key1::int, @key2::int, @key3::int, @key_id::bigint))
        OR (NOT @descending::boolean AND (st.insecure_count, st.unsupported_count, st.update_count, st.site_id) > (@key1::int, @key2::int, @key3::int, @key_id::bigint)))
    ORDER BY CASE WHEN @descending::boolean THEN st.insecure_count END DESC, CASE WHEN @descending::boolean THEN st.unsupported_count END DESC, CASE WHEN @descending::boolean THEN st.update_count END DESC, CASE WHEN @descending::boolean THEN st.site_id END DESC,
           CASE WHEN NOT @descending::boolean THEN st.insecure_count END, CASE WHEN NOT @descending::boolean THEN st.unsupported_count END, CASE WHEN NOT @descending::boolean THEN st.update_count END, CASE WHEN NOT @descending::boolean THEN st.site_id END
    LIMIT @max_rows)) x
ORDER BY CASE WHEN @descending::boolean THEN x.k1 END DESC, CASE WHEN @descending::boolean THEN x.k2 END DESC, CASE WHEN @descending::boolean THEN x.k3 END DESC, CASE WHEN @descending::boolean THEN x.id END DESC,
           CASE WHEN NOT @descending::boolean THEN x.k1 END, CASE WHEN NOT @descending::boolean THEN x.k2 END, CASE WHEN NOT @descending::boolean THEN x.k3 END, CASE WHEN NOT @descending::boolean THEN x.id END
LIMIT @max_rows;

-- name: ListSitesByUpdates :many
-- By the number of updates.
SELECT x.id::bigint AS id
FROM ((
    SELECT st.site_id AS id, st.update_count AS k1
    FROM site_states st
    WHERE st.organization_id = @organization_id AND st.deleted_at IS NULL
      AND (@state::int = 0
        OR (@state = 1 AND st.insecure_count > 0)
        OR (@state = 2 AND st.unsupported_count > 0)
        OR (@state = 3 AND st.update_count > 0)
        OR (@state = 4 AND st.unknown_count > 0)
        OR (@state = 5 AND st.last_report_at IS NOT NULL AND st.insecure_count + st.unsupported_count + st.outdated_count + st.unknown_count = 0 AND st.platform_state NOT IN ('minor-ended', 'ended'))
        OR (@state = 6 AND st.last_report_at IS NULL)
        OR (@state = 7 AND st.last_report_at < @silent_before::timestamptz)
        OR (@state = 8 AND st.platform_state IN ('minor-ended', 'ended')))
      AND (NOT @narrowed::boolean OR st.site_id = ANY(@ids::bigint[]))
      AND (@pattern::text = '' OR EXISTS (
        SELECT FROM sites s WHERE s.id = st.site_id AND (lower(s.name) LIKE lower(@pattern) OR lower(s.url) LIKE lower(@pattern)) OFFSET 0))
      AND (@first::boolean
        OR (@descending::boolean AND (st.update_count, st.site_id) < (@key1::int, @key_id::bigint))
        OR (NOT @descending::boolean AND (st.update_count, st.site_id) > (@key1::int, @key_id::bigint)))
    ORDER BY CASE WHEN @descending::boolean THEN st.update_count END DESC, CASE WHEN @descending::boolean THEN st.site_id END DESC,
           CASE WHEN NOT @descending::boolean THEN st.update_count END, CASE WHEN NOT @descending::boolean THEN st.site_id END
    LIMIT @max_rows)
  UNION ALL
  (
    SELECT st.site_id AS id, st.update_count AS k1
    FROM site_organizations so
    CROSS JOIN LATERAL (SELECT h.* FROM site_states h WHERE h.site_id = so.site_id AND h.deleted_at IS NULL OFFSET 0) st
    WHERE so.organization_id = @organization_id AND NOT so.is_owner
      AND (@state::int = 0
        OR (@state = 1 AND st.insecure_count > 0)
        OR (@state = 2 AND st.unsupported_count > 0)
        OR (@state = 3 AND st.update_count > 0)
        OR (@state = 4 AND st.unknown_count > 0)
        OR (@state = 5 AND st.last_report_at IS NOT NULL AND st.insecure_count + st.unsupported_count + st.outdated_count + st.unknown_count = 0 AND st.platform_state NOT IN ('minor-ended', 'ended'))
        OR (@state = 6 AND st.last_report_at IS NULL)
        OR (@state = 7 AND st.last_report_at < @silent_before::timestamptz)
        OR (@state = 8 AND st.platform_state IN ('minor-ended', 'ended')))
      AND (NOT @narrowed::boolean OR st.site_id = ANY(@ids::bigint[]))
      AND (@pattern::text = '' OR EXISTS (
        SELECT FROM sites s WHERE s.id = st.site_id AND (lower(s.name) LIKE lower(@pattern) OR lower(s.url) LIKE lower(@pattern)) OFFSET 0))
      AND (@first::boolean
        OR (@descending::boolean AND (st.update_count, st.site_id) < (@key1::int, @key_id::bigint))
        OR (NOT @descending::boolean AND (st.update_count, st.site_id) > (@key1::int, @key_id::bigint)))
    ORDER BY CASE WHEN @descending::boolean THEN st.update_count END DESC, CASE WHEN @descending::boolean THEN st.site_id END DESC,
           CASE WHEN NOT @descending::boolean THEN st.update_count END, CASE WHEN NOT @descending::boolean THEN st.site_id END
    LIMIT @max_rows)) x
ORDER BY CASE WHEN @descending::boolean THEN x.k1 END DESC, CASE WHEN @descending::boolean THEN x.id END DESC,
           CASE WHEN NOT @descending::boolean THEN x.k1 END, CASE WHEN NOT @descending::boolean THEN x.id END
LIMIT @max_rows;

-- name: ListSitesByCore :many
-- By the numbers of the version of core.
SELECT x.id::bigint AS id
FROM ((
    SELECT st.site_id AS id, st.core_version_parts AS k1
    FROM site_states st
    WHERE st.organization_id = @organization_id AND st.deleted_at IS NULL
      AND (@state::int = 0
        OR (@state = 1 AND st.insecure_count > 0)
        OR (@state = 2 AND st.unsupported_count > 0)
        OR (@state = 3 AND st.update_count > 0)
        OR (@state = 4 AND st.unknown_count > 0)
        OR (@state = 5 AND st.last_report_at IS NOT NULL AND st.insecure_count + st.unsupported_count + st.outdated_count + st.unknown_count = 0 AND st.platform_state NOT IN ('minor-ended', 'ended'))
        OR (@state = 6 AND st.last_report_at IS NULL)
        OR (@state = 7 AND st.last_report_at < @silent_before::timestamptz)
        OR (@state = 8 AND st.platform_state IN ('minor-ended', 'ended')))
      AND (NOT @narrowed::boolean OR st.site_id = ANY(@ids::bigint[]))
      AND (@pattern::text = '' OR EXISTS (
        SELECT FROM sites s WHERE s.id = st.site_id AND (lower(s.name) LIKE lower(@pattern) OR lower(s.url) LIKE lower(@pattern)) OFFSET 0))
      AND (@first::boolean
        OR (@descending::boolean AND (st.core_version_parts, st.site_id) < (@key1::int[], @key_id::bigint))
        OR (NOT @descending::boolean AND (st.core_version_parts, st.site_id) > (@key1::int[], @key_id::bigint)))
    ORDER BY CASE WHEN @descending::boolean THEN st.core_version_parts END DESC, CASE WHEN @descending::boolean THEN st.site_id END DESC,
           CASE WHEN NOT @descending::boolean THEN st.core_version_parts END, CASE WHEN NOT @descending::boolean THEN st.site_id END
    LIMIT @max_rows)
  UNION ALL
  (
    SELECT st.site_id AS id, st.core_version_parts AS k1
    FROM site_organizations so
    CROSS JOIN LATERAL (SELECT h.* FROM site_states h WHERE h.site_id = so.site_id AND h.deleted_at IS NULL OFFSET 0) st
    WHERE so.organization_id = @organization_id AND NOT so.is_owner
      AND (@state::int = 0
        OR (@state = 1 AND st.insecure_count > 0)
        OR (@state = 2 AND st.unsupported_count > 0)
        OR (@state = 3 AND st.update_count > 0)
        OR (@state = 4 AND st.unknown_count > 0)
        OR (@state = 5 AND st.last_report_at IS NOT NULL AND st.insecure_count + st.unsupported_count + st.outdated_count + st.unknown_count = 0 AND st.platform_state NOT IN ('minor-ended', 'ended'))
        OR (@state = 6 AND st.last_report_at IS NULL)
        OR (@state = 7 AND st.last_report_at < @silent_before::timestamptz)
        OR (@state = 8 AND st.platform_state IN ('minor-ended', 'ended')))
      AND (NOT @narrowed::boolean OR st.site_id = ANY(@ids::bigint[]))
      AND (@pattern::text = '' OR EXISTS (
        SELECT FROM sites s WHERE s.id = st.site_id AND (lower(s.name) LIKE lower(@pattern) OR lower(s.url) LIKE lower(@pattern)) OFFSET 0))
      AND (@first::boolean
        OR (@descending::boolean AND (st.core_version_parts, st.site_id) < (@key1::int[], @key_id::bigint))
        OR (NOT @descending::boolean AND (st.core_version_parts, st.site_id) > (@key1::int[], @key_id::bigint)))
    ORDER BY CASE WHEN @descending::boolean THEN st.core_version_parts END DESC, CASE WHEN @descending::boolean THEN st.site_id END DESC,
           CASE WHEN NOT @descending::boolean THEN st.core_version_parts END, CASE WHEN NOT @descending::boolean THEN st.site_id END
    LIMIT @max_rows)) x
ORDER BY CASE WHEN @descending::boolean THEN x.k1 END DESC, CASE WHEN @descending::boolean THEN x.id END DESC,
           CASE WHEN NOT @descending::boolean THEN x.k1 END, CASE WHEN NOT @descending::boolean THEN x.id END
LIMIT @max_rows;

-- name: ListSitesByLastReport :many
-- Those that never reported count as the oldest. No index serves this order: it would cost every heartbeat a write.
SELECT x.id::bigint AS id
FROM ((
    SELECT st.site_id AS id, coalesce(st.last_report_at, 'epoch') AS k1
    FROM site_states st
    WHERE st.organization_id = @organization_id AND st.deleted_at IS NULL
      AND (@state::int = 0
        OR (@state = 1 AND st.insecure_count > 0)
        OR (@state = 2 AND st.unsupported_count > 0)
        OR (@state = 3 AND st.update_count > 0)
        OR (@state = 4 AND st.unknown_count > 0)
        OR (@state = 5 AND st.last_report_at IS NOT NULL AND st.insecure_count + st.unsupported_count + st.outdated_count + st.unknown_count = 0 AND st.platform_state NOT IN ('minor-ended', 'ended'))
        OR (@state = 6 AND st.last_report_at IS NULL)
        OR (@state = 7 AND st.last_report_at < @silent_before::timestamptz)
        OR (@state = 8 AND st.platform_state IN ('minor-ended', 'ended')))
      AND (NOT @narrowed::boolean OR st.site_id = ANY(@ids::bigint[]))
      AND (@pattern::text = '' OR EXISTS (
        SELECT FROM sites s WHERE s.id = st.site_id AND (lower(s.name) LIKE lower(@pattern) OR lower(s.url) LIKE lower(@pattern)) OFFSET 0))
      AND (@first::boolean
        OR (@descending::boolean AND (coalesce(st.last_report_at, 'epoch'), st.site_id) < (@key1::timestamptz, @key_id::bigint))
        OR (NOT @descending::boolean AND (coalesce(st.last_report_at, 'epoch'), st.site_id) > (@key1::timestamptz, @key_id::bigint)))
    ORDER BY CASE WHEN @descending::boolean THEN coalesce(st.last_report_at, 'epoch') END DESC, CASE WHEN @descending::boolean THEN st.site_id END DESC,
           CASE WHEN NOT @descending::boolean THEN coalesce(st.last_report_at, 'epoch') END, CASE WHEN NOT @descending::boolean THEN st.site_id END
    LIMIT @max_rows)
  UNION ALL
  (
    SELECT st.site_id AS id, coalesce(st.last_report_at, 'epoch') AS k1
    FROM site_organizations so
    CROSS JOIN LATERAL (SELECT h.* FROM site_states h WHERE h.site_id = so.site_id AND h.deleted_at IS NULL OFFSET 0) st
    WHERE so.organization_id = @organization_id AND NOT so.is_owner
      AND (@state::int = 0
        OR (@state = 1 AND st.insecure_count > 0)
        OR (@state = 2 AND st.unsupported_count > 0)
        OR (@state = 3 AND st.update_count > 0)
        OR (@state = 4 AND st.unknown_count > 0)
        OR (@state = 5 AND st.last_report_at IS NOT NULL AND st.insecure_count + st.unsupported_count + st.outdated_count + st.unknown_count = 0 AND st.platform_state NOT IN ('minor-ended', 'ended'))
        OR (@state = 6 AND st.last_report_at IS NULL)
        OR (@state = 7 AND st.last_report_at < @silent_before::timestamptz)
        OR (@state = 8 AND st.platform_state IN ('minor-ended', 'ended')))
      AND (NOT @narrowed::boolean OR st.site_id = ANY(@ids::bigint[]))
      AND (@pattern::text = '' OR EXISTS (
        SELECT FROM sites s WHERE s.id = st.site_id AND (lower(s.name) LIKE lower(@pattern) OR lower(s.url) LIKE lower(@pattern)) OFFSET 0))
      AND (@first::boolean
        OR (@descending::boolean AND (coalesce(st.last_report_at, 'epoch'), st.site_id) < (@key1::timestamptz, @key_id::bigint))
        OR (NOT @descending::boolean AND (coalesce(st.last_report_at, 'epoch'), st.site_id) > (@key1::timestamptz, @key_id::bigint)))
    ORDER BY CASE WHEN @descending::boolean THEN coalesce(st.last_report_at, 'epoch') END DESC, CASE WHEN @descending::boolean THEN st.site_id END DESC,
           CASE WHEN NOT @descending::boolean THEN coalesce(st.last_report_at, 'epoch') END, CASE WHEN NOT @descending::boolean THEN st.site_id END
    LIMIT @max_rows)) x
ORDER BY CASE WHEN @descending::boolean THEN x.k1 END DESC, CASE WHEN @descending::boolean THEN x.id END DESC,
           CASE WHEN NOT @descending::boolean THEN x.k1 END, CASE WHEN NOT @descending::boolean THEN x.id END
LIMIT @max_rows;

-- name: ListSitesByName :many
-- By name.
SELECT x.id::bigint AS id
FROM ((
    SELECT s.id AS id, lower(s.name) AS k1
    FROM sites s
    WHERE s.organization_id = @organization_id AND s.deleted_at IS NULL
      AND (@state::int = 0 OR EXISTS (SELECT FROM site_states st WHERE st.site_id = s.id AND (@state::int = 0
        OR (@state = 1 AND st.insecure_count > 0)
        OR (@state = 2 AND st.unsupported_count > 0)
        OR (@state = 3 AND st.update_count > 0)
        OR (@state = 4 AND st.unknown_count > 0)
        OR (@state = 5 AND st.last_report_at IS NOT NULL AND st.insecure_count + st.unsupported_count + st.outdated_count + st.unknown_count = 0 AND st.platform_state NOT IN ('minor-ended', 'ended'))
        OR (@state = 6 AND st.last_report_at IS NULL)
        OR (@state = 7 AND st.last_report_at < @silent_before::timestamptz)
        OR (@state = 8 AND st.platform_state IN ('minor-ended', 'ended'))) OFFSET 0))
      AND (NOT @narrowed::boolean OR s.id = ANY(@ids::bigint[]))
      AND (@pattern::text = '' OR EXISTS (SELECT WHERE lower(s.name) LIKE lower(@pattern) OR lower(s.url) LIKE lower(@pattern) OFFSET 0))
      AND (@first::boolean
        OR (@descending::boolean AND (lower(s.name), s.id) < (@key1::text, @key_id::bigint))
        OR (NOT @descending::boolean AND (lower(s.name), s.id) > (@key1::text, @key_id::bigint)))
    ORDER BY CASE WHEN @descending::boolean THEN lower(s.name) END DESC, CASE WHEN @descending::boolean THEN s.id END DESC,
           CASE WHEN NOT @descending::boolean THEN lower(s.name) END, CASE WHEN NOT @descending::boolean THEN s.id END
    LIMIT @max_rows)
  UNION ALL
  (
    SELECT s.id AS id, lower(s.name) AS k1
    FROM site_organizations so
    CROSS JOIN LATERAL (SELECT h.* FROM sites h WHERE h.id = so.site_id AND h.deleted_at IS NULL OFFSET 0) s
    WHERE so.organization_id = @organization_id AND NOT so.is_owner
      AND (@state::int = 0 OR EXISTS (SELECT FROM site_states st WHERE st.site_id = s.id AND (@state::int = 0
        OR (@state = 1 AND st.insecure_count > 0)
        OR (@state = 2 AND st.unsupported_count > 0)
        OR (@state = 3 AND st.update_count > 0)
        OR (@state = 4 AND st.unknown_count > 0)
        OR (@state = 5 AND st.last_report_at IS NOT NULL AND st.insecure_count + st.unsupported_count + st.outdated_count + st.unknown_count = 0 AND st.platform_state NOT IN ('minor-ended', 'ended'))
        OR (@state = 6 AND st.last_report_at IS NULL)
        OR (@state = 7 AND st.last_report_at < @silent_before::timestamptz)
        OR (@state = 8 AND st.platform_state IN ('minor-ended', 'ended'))) OFFSET 0))
      AND (NOT @narrowed::boolean OR s.id = ANY(@ids::bigint[]))
      AND (@pattern::text = '' OR EXISTS (SELECT WHERE lower(s.name) LIKE lower(@pattern) OR lower(s.url) LIKE lower(@pattern) OFFSET 0))
      AND (@first::boolean
        OR (@descending::boolean AND (lower(s.name), s.id) < (@key1::text, @key_id::bigint))
        OR (NOT @descending::boolean AND (lower(s.name), s.id) > (@key1::text, @key_id::bigint)))
    ORDER BY CASE WHEN @descending::boolean THEN lower(s.name) END DESC, CASE WHEN @descending::boolean THEN s.id END DESC,
           CASE WHEN NOT @descending::boolean THEN lower(s.name) END, CASE WHEN NOT @descending::boolean THEN s.id END
    LIMIT @max_rows)) x
ORDER BY CASE WHEN @descending::boolean THEN x.k1 END DESC, CASE WHEN @descending::boolean THEN x.id END DESC,
           CASE WHEN NOT @descending::boolean THEN x.k1 END, CASE WHEN NOT @descending::boolean THEN x.id END
LIMIT @max_rows;

-- name: ListSitesByURL :many
-- By URL.
SELECT x.id::bigint AS id
FROM ((
    SELECT s.id AS id, lower(s.url) AS k1
    FROM sites s
    WHERE s.organization_id = @organization_id AND s.deleted_at IS NULL
      AND (@state::int = 0 OR EXISTS (SELECT FROM site_states st WHERE st.site_id = s.id AND (@state::int = 0
        OR (@state = 1 AND st.insecure_count > 0)
        OR (@state = 2 AND st.unsupported_count > 0)
        OR (@state = 3 AND st.update_count > 0)
        OR (@state = 4 AND st.unknown_count > 0)
        OR (@state = 5 AND st.last_report_at IS NOT NULL AND st.insecure_count + st.unsupported_count + st.outdated_count + st.unknown_count = 0 AND st.platform_state NOT IN ('minor-ended', 'ended'))
        OR (@state = 6 AND st.last_report_at IS NULL)
        OR (@state = 7 AND st.last_report_at < @silent_before::timestamptz)
        OR (@state = 8 AND st.platform_state IN ('minor-ended', 'ended'))) OFFSET 0))
      AND (NOT @narrowed::boolean OR s.id = ANY(@ids::bigint[]))
      AND (@pattern::text = '' OR EXISTS (SELECT WHERE lower(s.name) LIKE lower(@pattern) OR lower(s.url) LIKE lower(@pattern) OFFSET 0))
      AND (@first::boolean
        OR (@descending::boolean AND (lower(s.url), s.id) < (@key1::text, @key_id::bigint))
        OR (NOT @descending::boolean AND (lower(s.url), s.id) > (@key1::text, @key_id::bigint)))
    ORDER BY CASE WHEN @descending::boolean THEN lower(s.url) END DESC, CASE WHEN @descending::boolean THEN s.id END DESC,
           CASE WHEN NOT @descending::boolean THEN lower(s.url) END, CASE WHEN NOT @descending::boolean THEN s.id END
    LIMIT @max_rows)
  UNION ALL
  (
    SELECT s.id AS id, lower(s.url) AS k1
    FROM site_organizations so
    CROSS JOIN LATERAL (SELECT h.* FROM sites h WHERE h.id = so.site_id AND h.deleted_at IS NULL OFFSET 0) s
    WHERE so.organization_id = @organization_id AND NOT so.is_owner
      AND (@state::int = 0 OR EXISTS (SELECT FROM site_states st WHERE st.site_id = s.id AND (@state::int = 0
        OR (@state = 1 AND st.insecure_count > 0)
        OR (@state = 2 AND st.unsupported_count > 0)
        OR (@state = 3 AND st.update_count > 0)
        OR (@state = 4 AND st.unknown_count > 0)
        OR (@state = 5 AND st.last_report_at IS NOT NULL AND st.insecure_count + st.unsupported_count + st.outdated_count + st.unknown_count = 0 AND st.platform_state NOT IN ('minor-ended', 'ended'))
        OR (@state = 6 AND st.last_report_at IS NULL)
        OR (@state = 7 AND st.last_report_at < @silent_before::timestamptz)
        OR (@state = 8 AND st.platform_state IN ('minor-ended', 'ended'))) OFFSET 0))
      AND (NOT @narrowed::boolean OR s.id = ANY(@ids::bigint[]))
      AND (@pattern::text = '' OR EXISTS (SELECT WHERE lower(s.name) LIKE lower(@pattern) OR lower(s.url) LIKE lower(@pattern) OFFSET 0))
      AND (@first::boolean
        OR (@descending::boolean AND (lower(s.url), s.id) < (@key1::text, @key_id::bigint))
        OR (NOT @descending::boolean AND (lower(s.url), s.id) > (@key1::text, @key_id::bigint)))
    ORDER BY CASE WHEN @descending::boolean THEN lower(s.url) END DESC, CASE WHEN @descending::boolean THEN s.id END DESC,
           CASE WHEN NOT @descending::boolean THEN lower(s.url) END, CASE WHEN NOT @descending::boolean THEN s.id END
    LIMIT @max_rows)) x
ORDER BY CASE WHEN @descending::boolean THEN x.k1 END DESC, CASE WHEN @descending::boolean THEN x.id END DESC,
           CASE WHEN NOT @descending::boolean THEN x.k1 END, CASE WHEN NOT @descending::boolean THEN x.id END
LIMIT @max_rows;

-- name: ListSitesByCreated :many
-- By when they were added.
SELECT x.id::bigint AS id
FROM ((
    SELECT s.id AS id, s.created_at AS k1
    FROM sites s
    WHERE s.organization_id = @organization_id AND s.deleted_at IS NULL
      AND (@state::int = 0 OR EXISTS (SELECT FROM site_states st WHERE st.site_id = s.id AND (@state::int = 0
        OR (@state = 1 AND st.insecure_count > 0)
        OR (@state = 2 AND st.unsupported_count > 0)
        OR (@state = 3 AND st.update_count > 0)
        OR (@state = 4 AND st.unknown_count > 0)
        OR (@state = 5 AND st.last_report_at IS NOT NULL AND st.insecure_count + st.unsupported_count + st.outdated_count + st.unknown_count = 0 AND st.platform_state NOT IN ('minor-ended', 'ended'))
        OR (@state = 6 AND st.last_report_at IS NULL)
        OR (@state = 7 AND st.last_report_at < @silent_before::timestamptz)
        OR (@state = 8 AND st.platform_state IN ('minor-ended', 'ended'))) OFFSET 0))
      AND (NOT @narrowed::boolean OR s.id = ANY(@ids::bigint[]))
      AND (@pattern::text = '' OR EXISTS (SELECT WHERE lower(s.name) LIKE lower(@pattern) OR lower(s.url) LIKE lower(@pattern) OFFSET 0))
      AND (@first::boolean
        OR (@descending::boolean AND (s.created_at, s.id) < (@key1::timestamptz, @key_id::bigint))
        OR (NOT @descending::boolean AND (s.created_at, s.id) > (@key1::timestamptz, @key_id::bigint)))
    ORDER BY CASE WHEN @descending::boolean THEN s.created_at END DESC, CASE WHEN @descending::boolean THEN s.id END DESC,
           CASE WHEN NOT @descending::boolean THEN s.created_at END, CASE WHEN NOT @descending::boolean THEN s.id END
    LIMIT @max_rows)
  UNION ALL
  (
    SELECT s.id AS id, s.created_at AS k1
    FROM site_organizations so
    CROSS JOIN LATERAL (SELECT h.* FROM sites h WHERE h.id = so.site_id AND h.deleted_at IS NULL OFFSET 0) s
    WHERE so.organization_id = @organization_id AND NOT so.is_owner
      AND (@state::int = 0 OR EXISTS (SELECT FROM site_states st WHERE st.site_id = s.id AND (@state::int = 0
        OR (@state = 1 AND st.insecure_count > 0)
        OR (@state = 2 AND st.unsupported_count > 0)
        OR (@state = 3 AND st.update_count > 0)
        OR (@state = 4 AND st.unknown_count > 0)
        OR (@state = 5 AND st.last_report_at IS NOT NULL AND st.insecure_count + st.unsupported_count + st.outdated_count + st.unknown_count = 0 AND st.platform_state NOT IN ('minor-ended', 'ended'))
        OR (@state = 6 AND st.last_report_at IS NULL)
        OR (@state = 7 AND st.last_report_at < @silent_before::timestamptz)
        OR (@state = 8 AND st.platform_state IN ('minor-ended', 'ended'))) OFFSET 0))
      AND (NOT @narrowed::boolean OR s.id = ANY(@ids::bigint[]))
      AND (@pattern::text = '' OR EXISTS (SELECT WHERE lower(s.name) LIKE lower(@pattern) OR lower(s.url) LIKE lower(@pattern) OFFSET 0))
      AND (@first::boolean
        OR (@descending::boolean AND (s.created_at, s.id) < (@key1::timestamptz, @key_id::bigint))
        OR (NOT @descending::boolean AND (s.created_at, s.id) > (@key1::timestamptz, @key_id::bigint)))
    ORDER BY CASE WHEN @descending::boolean THEN s.created_at END DESC, CASE WHEN @descending::boolean THEN s.id END DESC,
           CASE WHEN NOT @descending::boolean THEN s.created_at END, CASE WHEN NOT @descending::boolean THEN s.id END
    LIMIT @max_rows)) x
ORDER BY CASE WHEN @descending::boolean THEN x.k1 END DESC, CASE WHEN @descending::boolean THEN x.id END DESC,
           CASE WHEN NOT @descending::boolean THEN x.k1 END, CASE WHEN NOT @descending::boolean THEN x.id END
LIMIT @max_rows;

-- name: FindSites :many
-- Some of the organisation's sites whose name or URL is like a pattern, by the trigram index.
SELECT s.id
FROM sites s
WHERE (lower(s.name) LIKE lower(@pattern::text) OR lower(s.url) LIKE lower(@pattern)) AND s.deleted_at IS NULL
  AND EXISTS (SELECT FROM site_organizations so WHERE so.site_id = s.id AND so.organization_id = @organization_id OFFSET 0)
LIMIT @max_rows;

-- name: SummarizeSites :one
-- Counts the organisation's sites by state, owned and shared, in one pass over their states.
SELECT count(*)::int AS sites,
       count(*) FILTER (WHERE st.insecure_count > 0)::int AS insecure,
       count(*) FILTER (WHERE st.unsupported_count > 0)::int AS unsupported,
       count(*) FILTER (WHERE st.update_count > 0)::int AS outdated,
       count(*) FILTER (WHERE st.unknown_count > 0)::int AS unknown,
       count(*) FILTER (WHERE st.last_report_at IS NOT NULL AND st.insecure_count + st.unsupported_count + st.outdated_count + st.unknown_count = 0 AND st.platform_state NOT IN ('minor-ended', 'ended'))::int AS current,
       count(*) FILTER (WHERE st.last_report_at IS NULL)::int AS waiting,
       count(*) FILTER (WHERE st.last_report_at < @silent_before::timestamptz)::int AS silent,
       count(*) FILTER (WHERE st.last_report_at >= @silent_before::timestamptz)::int AS reporting,
       count(*) FILTER (WHERE st.platform_state IN ('minor-ended', 'ended'))::int AS end_of_life,
       count(*) FILTER (WHERE st.platform_state = 'ending')::int AS ending
FROM (
    SELECT o.insecure_count, o.unsupported_count, o.outdated_count, o.unknown_count, o.update_count, o.last_report_at, o.platform_state
    FROM site_states o
    WHERE o.organization_id = @organization_id AND o.deleted_at IS NULL
  UNION ALL
    SELECT h.insecure_count, h.unsupported_count, h.outdated_count, h.unknown_count, h.update_count, h.last_report_at, h.platform_state
    FROM site_organizations so
    JOIN site_states h ON h.site_id = so.site_id
    WHERE so.organization_id = @organization_id AND NOT so.is_owner AND h.deleted_at IS NULL
) st;
