-- Reports: every one that came, those that wait, and those that could not be applied.

-- +goose Up
-- One row per report, accepted or refused.
CREATE TABLE audit_logs (
  id bigint GENERATED ALWAYS AS IDENTITY,
  site_id bigint NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  -- When the server took the report.
  created_at timestamptz NOT NULL,
  -- applied: it changed something. unchanged: the same inventory as before.
  -- heartbeat: only its hash. late: older than what is known; kept, not applied.
  -- duplicate: this report id was here before. inventory_unknown: a heartbeat
  -- whose hash the server does not know. refused: see detail.
  status text NOT NULL CHECK (status IN ('applied', 'unchanged', 'heartbeat', 'late', 'duplicate', 'inventory_unknown', 'refused')),
  report_id uuid,
  -- When the site says it looked at itself.
  collected_at timestamptz,
  trigger text NOT NULL DEFAULT '',
  -- What else there is to say, such as a clock that is ahead.
  detail text NOT NULL DEFAULT '',
  -- The raw report, but for the columns above.
  content_id bigint,
  -- The raw report itself where content_id has none: what was refused, cut to 64 KiB of text.
  data jsonb,
  PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX audit_logs_report_idx ON audit_logs (site_id, report_id);
-- Only ever used when no monthly partition was made in time.
CREATE TABLE audit_logs_default PARTITION OF audit_logs DEFAULT;

-- Makes the monthly partitions from the month of `first` on, for `months` months.
-- +goose StatementBegin
CREATE FUNCTION ensure_audit_partitions(first timestamptz, months integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  start timestamptz;
  made integer := 0;
BEGIN
  FOR i IN 0..months - 1 LOOP
    start := (date_trunc('month', first AT TIME ZONE 'UTC') + make_interval(months => i)) AT TIME ZONE 'UTC';
    IF to_regclass(format('audit_logs_%s', to_char(start AT TIME ZONE 'UTC', 'YYYY_MM'))) IS NULL THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF audit_logs FOR VALUES FROM (%L) TO (%L)',
        format('audit_logs_%s', to_char(start AT TIME ZONE 'UTC', 'YYYY_MM')),
        start, (date_trunc('month', first AT TIME ZONE 'UTC') + make_interval(months => i + 1)) AT TIME ZONE 'UTC');
      made := made + 1;
    END IF;
  END LOOP;
  RETURN made;
END $$;
-- +goose StatementEnd

-- Reports that were taken while Redis could not; applied from here.
CREATE TABLE report_spool (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- An encoded stream entry, exactly as Redis would hold it.
  entry bytea NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- What could not be applied after five deliveries. An operator lists, replays or drops it.
CREATE TABLE dead_letters (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- NULL when the entry could not even be read.
  site_id bigint,
  report_id uuid,
  entry bytea NOT NULL,
  reason text NOT NULL,
  deliveries integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  replayed_at timestamptz
);
CREATE INDEX dead_letters_open_idx ON dead_letters (id) WHERE replayed_at IS NULL;

-- +goose Down
DROP TABLE dead_letters, report_spool;
DROP FUNCTION ensure_audit_partitions;
DROP TABLE audit_logs;
