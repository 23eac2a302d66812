//! The store's tables, as a list of steps. Append only: a step that has shipped is never edited.

use rusqlite_migration::{M, Migrations};

const STEPS: &[M<'static>] = &[
    M::up(RUNS),
    M::up(CELLS_AND_PLACE),
    M::up(BACKEND),
    M::up(CHECKSUMS),
    M::up(INTERRUPTIONS),
    M::up(ELAPSED),
    M::up(JOBS),
    M::up(MEASUREMENTS),
    M::up(STEERINGS),
    M::up(FORKS),
    M::up(SWEEPS),
    M::up(LABELS),
];

/// Runs and their measurements. Errors are in percent; times are seconds since 1970, UTC.
const RUNS: &str = "
    CREATE TABLE runs (
        id        INTEGER PRIMARY KEY AUTOINCREMENT,
        name      TEXT,
        spec      TEXT NOT NULL,
        state     TEXT NOT NULL,
        reason    TEXT,
        not_exact TEXT,
        created   INTEGER NOT NULL,
        updated   INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE lanes (
        run   INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        arm   TEXT NOT NULL,
        seed  INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'finished', 'diverged')),
        epoch INTEGER,
        batch INTEGER,
        PRIMARY KEY (run, arm, seed)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE epochs (
        seq               INTEGER PRIMARY KEY,
        run               INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        arm               TEXT NOT NULL,
        seed              INTEGER NOT NULL,
        epoch             INTEGER NOT NULL,
        train_loss        REAL NOT NULL,
        val_error         REAL NOT NULL,
        test_error        REAL NOT NULL,
        seconds           REAL NOT NULL,
        images_per_second REAL NOT NULL,
        UNIQUE (run, arm, seed, epoch)
    ) STRICT;
    CREATE TABLE checkpoints (
        run    INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        arm    TEXT NOT NULL,
        seed   INTEGER NOT NULL,
        epoch  INTEGER NOT NULL,
        file   TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        PRIMARY KEY (run, arm, seed, epoch)
    ) STRICT, WITHOUT ROWID;
";

/// Each cell's last outcome; the reader's position, answers and settings.
const CELLS_AND_PLACE: &str = "
    CREATE TABLE cells (
        lesson   TEXT NOT NULL,
        cell     TEXT NOT NULL,
        spec     TEXT NOT NULL,
        outcome  TEXT NOT NULL,
        finished INTEGER NOT NULL,
        PRIMARY KEY (lesson, cell)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE place (
        key   TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// What computed a run when it last trained, such as `fused (AVX-512)`.
const BACKEND: &str = "ALTER TABLE runs ADD COLUMN backend TEXT;";

/// A checksum for every row, see `rows.rs`; and the numbers of deleted runs, whose folders may still exist.
const CHECKSUMS: &str = "
    ALTER TABLE runs ADD COLUMN sum INTEGER;
    ALTER TABLE lanes ADD COLUMN sum INTEGER;
    ALTER TABLE epochs ADD COLUMN sum INTEGER;
    ALTER TABLE checkpoints ADD COLUMN sum INTEGER;
    ALTER TABLE cells ADD COLUMN sum INTEGER;
    ALTER TABLE place ADD COLUMN sum INTEGER;
    CREATE TABLE deleted (run INTEGER PRIMARY KEY) STRICT;
";

/// Runs whose kernel ended without being asked to; the next one resumes them. `deaths` counts the kernels in a row that
/// died while the run trained.
const INTERRUPTIONS: &str = "
    CREATE TABLE interruptions (
        run    INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
        deaths INTEGER NOT NULL
    ) STRICT;
";

/// Seconds that a run has trained in wall-clock time, without pauses; null for runs from before it was stored.
const ELAPSED: &str = "ALTER TABLE runs ADD COLUMN elapsed REAL;";

/// The queue of jobs, see `jobs.rs`. It replaces `interruptions`, and begins with the runs that are to be resumed.
const JOBS: &str = "
    CREATE TABLE jobs (
        seq    INTEGER PRIMARY KEY,
        run    INTEGER UNIQUE REFERENCES runs ON DELETE CASCADE,
        lesson TEXT,
        cell   TEXT,
        spec   TEXT,
        began  INTEGER NOT NULL,
        deaths INTEGER NOT NULL,
        sum    INTEGER,
        UNIQUE (lesson, cell),
        CHECK ((run IS NULL) = (lesson IS NOT NULL AND cell IS NOT NULL AND spec IS NOT NULL))
    ) STRICT;
    INSERT INTO jobs (run, began, deaths)
        SELECT id, state = 'running', coalesce(deaths, 0) FROM runs LEFT JOIN interruptions ON run = id
        WHERE state IN ('running', 'queued') OR (state = 'interrupted' AND run IS NOT NULL) ORDER BY id;
    DROP TABLE interruptions;
";

/// The metrics of an epoch that are not columns of `epochs`, with an empty `layer` for those of the whole network; and
/// which images were wrong after each epoch, one bit per image.
const MEASUREMENTS: &str = "
    CREATE TABLE measurements (
        run    INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        arm    TEXT NOT NULL,
        seed   INTEGER NOT NULL,
        epoch  INTEGER NOT NULL,
        metric TEXT NOT NULL,
        layer  TEXT NOT NULL,
        value  REAL NOT NULL,
        sum    INTEGER,
        PRIMARY KEY (run, arm, seed, epoch, metric, layer)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE wrong_images (
        run    INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        arm    TEXT NOT NULL,
        seed   INTEGER NOT NULL,
        epoch  INTEGER NOT NULL,
        split  TEXT NOT NULL CHECK (split IN ('validation', 'test')),
        images INTEGER NOT NULL,
        bits   BLOB NOT NULL,
        sum    INTEGER,
        PRIMARY KEY (run, arm, seed, epoch, split)
    ) STRICT, WITHOUT ROWID;
";

/// Settings that were changed while a run trained, in the order in which they were: from this epoch on, for the arm's lanes
/// but those of the seeds in `passed`, a JSON list.
const STEERINGS: &str = "
    CREATE TABLE steerings (
        seq     INTEGER PRIMARY KEY,
        run     INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        arm     TEXT NOT NULL,
        epoch   INTEGER NOT NULL,
        setting TEXT NOT NULL,
        value   REAL NOT NULL,
        passed  TEXT NOT NULL,
        sum     INTEGER
    ) STRICT;
";

/// The run that a fork goes on from, which may be deleted since, and the last epoch that they have in common.
const FORKS: &str = "
    ALTER TABLE runs ADD COLUMN parent INTEGER;
    ALTER TABLE runs ADD COLUMN parent_epoch INTEGER;
";

/// How the arms of a run are the cells of a sweep, as JSON with a version; and after which epoch successive halving stopped
/// a lane, whose state is `finished` then.
const SWEEPS: &str = "
    ALTER TABLE runs ADD COLUMN sweep TEXT;
    ALTER TABLE lanes ADD COLUMN halved INTEGER;
";

/// What the reader wrote on a run: tags, a JSON list, and notes; null for none. The index finds the best error of a lane
/// without reading its epochs, so a list of runs takes no longer however long they trained.
const LABELS: &str = "
    ALTER TABLE runs ADD COLUMN tags TEXT;
    ALTER TABLE runs ADD COLUMN notes TEXT;
    CREATE INDEX epochs_by_error ON epochs (run, arm, seed, val_error);
";

pub(super) fn migrations() -> Migrations<'static> {
    Migrations::from_slice(STEPS)
}

/// The schema's version, as SQLite's `user_version` holds it.
pub(super) const LATEST_VERSION: i64 = STEPS.len() as i64;

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn every_step_applies() {
        migrations().validate().unwrap();
    }

    /// The version whose interruptions became jobs.
    const BEFORE_JOBS: usize = 6;

    /// Rows of that version are unchanged after all later steps.
    #[test]
    fn the_last_steps_keep_earlier_rows() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrations().to_version(&mut connection, BEFORE_JOBS).unwrap();
        connection
            .execute_batch(
                "INSERT INTO runs (id, spec, state, created, updated) VALUES (7, '{}', 'finished', 1, 2);
                 INSERT INTO runs (id, spec, state, created, updated) VALUES
                    (8, '{}', 'interrupted', 1, 2), (9, '{}', 'running', 1, 2), (10, '{}', 'queued', 1, 2),
                    (11, '{}', 'interrupted', 1, 2), (12, '{}', 'paused', 1, 2);
                 INSERT INTO interruptions (run, deaths) VALUES (8, 2), (9, 1);
                 INSERT INTO lanes (run, arm, seed, state) VALUES (7, 'relu-tanh', 1, 'finished');
                 INSERT INTO epochs (seq, run, arm, seed, epoch, train_loss, val_error, test_error, seconds,
                                     images_per_second) VALUES (1, 7, 'relu-tanh', 1, 1, 0.1, 1.5, 1.25, 2.0, 25000.0);",
            )
            .unwrap();
        migrations().to_latest(&mut connection).unwrap();
        let (state, loss): (String, f64) = connection
            .query_row("SELECT state, train_loss FROM runs JOIN epochs ON run = id", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!((state.as_str(), loss), ("finished", 0.1));
        let mut statement = connection.prepare("SELECT run, began, deaths FROM jobs ORDER BY seq").unwrap();
        let jobs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        let jobs: Vec<(i64, bool, u32)> = jobs.map(Result::unwrap).collect();
        assert_eq!(jobs, [(8, false, 2), (9, true, 1), (10, false, 0)], "what was interrupted on purpose is no job");
    }
}
