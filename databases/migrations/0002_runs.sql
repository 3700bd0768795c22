-- Programs, runs and what happened in them.
-- Instants are seconds since the Unix epoch (UTC) and, like money, DOUBLE on purpose: the controller computes them in
-- double precision and compares what it reads back with what it recomputes, so they must return bit by bit; DECIMAL
-- would round a second time. Text is compared byte by byte (utf8mb4_bin): names that differ in case are different.

CREATE TABLE IF NOT EXISTS program (
  digest        VARCHAR(128) NOT NULL,  -- SHA-256 of module, arguments and data: equal digests, comparable rates
  label         VARCHAR(255) NOT NULL DEFAULT '',
  arguments     JSON NULL,              -- whatever the program takes, as a list
  first_seen_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (digest)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS run (
  run             VARCHAR(128) NOT NULL,
  experiment      VARCHAR(128) NOT NULL,
  program         VARCHAR(128) NOT NULL,
  status          VARCHAR(16) NOT NULL,  -- running, completed, failed, stopped
  started_at      DOUBLE NOT NULL,
  ended_at        DOUBLE NULL,
  tasks_total     BIGINT NULL,
  tasks_committed BIGINT NOT NULL DEFAULT 0,
  budget_usd      DOUBLE NULL,
  deadline_s      DOUBLE NULL,
  spent_usd       DOUBLE NOT NULL DEFAULT 0,
  policy          VARCHAR(64) NOT NULL DEFAULT '',
  message         MEDIUMTEXT NOT NULL,
  policy_memory   JSON NOT NULL,         -- what the policy handed to its next decision
  PRIMARY KEY (run),
  KEY run_by_experiment (experiment, started_at),
  KEY run_by_program (program, ended_at),
  CONSTRAINT run_of_program FOREIGN KEY (program) REFERENCES program (digest)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS cycle (  -- one row per recorded cycle: what makes recording it twice impossible
  run         VARCHAR(128) NOT NULL,
  cycle_id    VARCHAR(128) NOT NULL,
  recorded_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (run, cycle_id),
  CONSTRAINT cycle_of_run FOREIGN KEY (run) REFERENCES run (run) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS run_instance (
  run                    VARCHAR(128) NOT NULL,
  instance_id            VARCHAR(64) NOT NULL,
  role                   VARCHAR(32) NOT NULL,  -- value of the instance tag Type
  instance_type          VARCHAR(64) NOT NULL,
  availability_zone      VARCHAR(64) NOT NULL,
  market                 VARCHAR(16) NOT NULL,
  launched_at            DOUBLE NOT NULL,
  ready_at               DOUBLE NULL,           -- first usable report
  ended_at               DOUBLE NULL,
  ended_because          TEXT NOT NULL,
  cost_usd               DOUBLE NOT NULL DEFAULT 0,
  tasks                  BIGINT NOT NULL DEFAULT 0,
  replaces               VARCHAR(64) NULL,
  last_reported_at       DOUBLE NULL,
  last_perf_sec          DOUBLE NULL,
  last_perf_sec_stdev    DOUBLE NULL,
  last_tasks_completed   BIGINT NULL,
  PRIMARY KEY (run, instance_id),
  KEY run_instance_by_type (instance_type),
  CONSTRAINT run_instance_of_run FOREIGN KEY (run) REFERENCES run (run) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS report (  -- what a worker said of itself
  run             VARCHAR(128) NOT NULL,
  instance_id     VARCHAR(64) NOT NULL,
  reported_at     DOUBLE NOT NULL,
  perf_sec        DOUBLE NULL,          -- tasks per second; NULL when rejected
  perf_sec_stdev  DOUBLE NULL,
  tasks_completed BIGINT NOT NULL DEFAULT 0,
  rejected        VARCHAR(255) NULL,    -- why the measurement is not used
  PRIMARY KEY (run, instance_id, reported_at),
  CONSTRAINT report_of_run FOREIGN KEY (run) REFERENCES run (run) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS decision (
  id                  BIGINT NOT NULL AUTO_INCREMENT,
  run                 VARCHAR(128) NOT NULL,
  cycle_id            VARCHAR(128) NOT NULL,
  decided_at          DOUBLE NOT NULL,
  command             VARCHAR(16) NOT NULL,
  reason              MEDIUMTEXT NOT NULL,
  expected_saving_usd DOUBLE NOT NULL DEFAULT 0,
  instance_type       VARCHAR(64) NULL,
  availability_zone   VARCHAR(64) NULL,
  market              VARCHAR(16) NULL,
  instance_count      INT NOT NULL DEFAULT 1,
  instance_id         VARCHAR(64) NULL,
  outcome             MEDIUMTEXT NOT NULL,
  PRIMARY KEY (id),
  KEY decision_by_run (run, id),
  KEY decision_of_cycle (run, cycle_id),
  CONSTRAINT decision_of_cycle FOREIGN KEY (run, cycle_id) REFERENCES cycle (run, cycle_id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS capacity_error (  -- a launch that a pool refused
  id                BIGINT NOT NULL AUTO_INCREMENT,
  run               VARCHAR(128) NOT NULL,
  instance_type     VARCHAR(64) NOT NULL,
  availability_zone VARCHAR(64) NOT NULL,
  market            VARCHAR(16) NOT NULL,
  refused_at        DOUBLE NOT NULL,
  PRIMARY KEY (id),
  KEY capacity_error_by_run (run, refused_at),
  CONSTRAINT capacity_error_of_run FOREIGN KEY (run) REFERENCES run (run) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS interruption (  -- an instance that AWS took; told twice, it counts once
  run               VARCHAR(128) NOT NULL,
  instance_id       VARCHAR(64) NOT NULL,
  instance_type     VARCHAR(64) NOT NULL,
  availability_zone VARCHAR(64) NOT NULL,
  market            VARCHAR(16) NOT NULL,
  interrupted_at    DOUBLE NOT NULL,
  PRIMARY KEY (run, instance_id),
  KEY interruption_by_type (instance_type),
  CONSTRAINT interruption_of_run FOREIGN KEY (run) REFERENCES run (run) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS cycle_lock (  -- no foreign key: the lock is taken before the run's first record
  run        VARCHAR(128) NOT NULL,
  owner      VARCHAR(255) NOT NULL,
  expires_at DOUBLE NOT NULL,
  PRIMARY KEY (run)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;
