-- The schema after all migrations, as MariaDB 10.11 describes it. Made from the database; do not edit.

CREATE TABLE `capacity_error` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `run` varchar(128) NOT NULL,
  `instance_type` varchar(64) NOT NULL,
  `availability_zone` varchar(64) NOT NULL,
  `market` varchar(16) NOT NULL,
  `refused_at` double NOT NULL,
  PRIMARY KEY (`id`),
  KEY `capacity_error_by_run` (`run`,`refused_at`),
  CONSTRAINT `capacity_error_of_run` FOREIGN KEY (`run`) REFERENCES `run` (`run`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `cycle` (
  `run` varchar(128) NOT NULL,
  `cycle_id` varchar(128) NOT NULL,
  `recorded_at` timestamp NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`run`,`cycle_id`),
  CONSTRAINT `cycle_of_run` FOREIGN KEY (`run`) REFERENCES `run` (`run`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `cycle_lock` (
  `run` varchar(128) NOT NULL,
  `owner` varchar(255) NOT NULL,
  `expires_at` double NOT NULL,
  PRIMARY KEY (`run`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `data` (
  `iddata` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(45) DEFAULT NULL,
  `hash` varchar(45) DEFAULT NULL,
  PRIMARY KEY (`iddata`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `decision` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `run` varchar(128) NOT NULL,
  `cycle_id` varchar(128) NOT NULL,
  `decided_at` double NOT NULL,
  `command` varchar(16) NOT NULL,
  `reason` mediumtext NOT NULL,
  `expected_saving_usd` double NOT NULL DEFAULT 0,
  `instance_type` varchar(64) DEFAULT NULL,
  `availability_zone` varchar(64) DEFAULT NULL,
  `market` varchar(16) DEFAULT NULL,
  `instance_count` int(11) NOT NULL DEFAULT 1,
  `instance_id` varchar(64) DEFAULT NULL,
  `outcome` mediumtext NOT NULL,
  PRIMARY KEY (`id`),
  KEY `decision_by_run` (`run`,`id`),
  KEY `decision_of_cycle` (`run`,`cycle_id`),
  CONSTRAINT `decision_of_cycle` FOREIGN KEY (`run`, `cycle_id`) REFERENCES `cycle` (`run`, `cycle_id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `experiment` (
  `idperformance` int(11) NOT NULL AUTO_INCREMENT,
  `data_iddata` int(11) NOT NULL,
  `parameters_idparameters` int(11) NOT NULL,
  `instance_name` varchar(45) NOT NULL,
  PRIMARY KEY (`idperformance`),
  KEY `fk_performance_data1_idx` (`data_iddata`),
  KEY `fk_performance_parameters1_idx` (`parameters_idparameters`),
  KEY `fk_performance_instance1_idx` (`instance_name`),
  CONSTRAINT `fk_performance_data1` FOREIGN KEY (`data_iddata`) REFERENCES `data` (`iddata`),
  CONSTRAINT `fk_performance_instance1` FOREIGN KEY (`instance_name`) REFERENCES `instance` (`name`),
  CONSTRAINT `fk_performance_parameters1` FOREIGN KEY (`parameters_idparameters`) REFERENCES `parameters` (`idparameters`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `imported_rate` (
  `program` varchar(128) NOT NULL,
  `label` varchar(128) NOT NULL,
  `instance_type` varchar(64) NOT NULL,
  `position` int(11) NOT NULL,
  `mean` double NOT NULL,
  `stdev` double NOT NULL,
  `samples` int(11) NOT NULL,
  `imported_at` timestamp NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`program`,`label`,`instance_type`,`position`),
  CONSTRAINT `imported_rate_of_program` FOREIGN KEY (`program`) REFERENCES `program` (`digest`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `instance` (
  `name` varchar(45) NOT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `interpols` (
  `idinterpols` int(11) NOT NULL AUTO_INCREMENT,
  `parameters_idparameters` int(11) NOT NULL,
  `data_iddata` int(11) NOT NULL,
  `interpols` float DEFAULT NULL,
  `datetime` datetime DEFAULT current_timestamp(),
  PRIMARY KEY (`idinterpols`),
  KEY `fk_interpols_parameters1_idx` (`parameters_idparameters`),
  KEY `fk_interpols_data1_idx` (`data_iddata`),
  CONSTRAINT `fk_interpols_data1` FOREIGN KEY (`data_iddata`) REFERENCES `data` (`iddata`),
  CONSTRAINT `fk_interpols_parameters1` FOREIGN KEY (`parameters_idparameters`) REFERENCES `parameters` (`idparameters`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `interpsec` (
  `idinterpsec` int(11) NOT NULL AUTO_INCREMENT,
  `interpsec` float DEFAULT NULL,
  `experiment_idperformance` int(11) NOT NULL,
  `creationDate` datetime DEFAULT current_timestamp(),
  PRIMARY KEY (`idinterpsec`),
  KEY `fk_interpsec_experiment1_idx` (`experiment_idperformance`),
  CONSTRAINT `fk_interpsec_experiment1` FOREIGN KEY (`experiment_idperformance`) REFERENCES `experiment` (`idperformance`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `interruption` (
  `run` varchar(128) NOT NULL,
  `instance_id` varchar(64) NOT NULL,
  `instance_type` varchar(64) NOT NULL,
  `availability_zone` varchar(64) NOT NULL,
  `market` varchar(16) NOT NULL,
  `interrupted_at` double NOT NULL,
  PRIMARY KEY (`run`,`instance_id`),
  KEY `interruption_by_type` (`instance_type`),
  CONSTRAINT `interruption_of_run` FOREIGN KEY (`run`) REFERENCES `run` (`run`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `parameters` (
  `idparameters` int(11) NOT NULL AUTO_INCREMENT,
  `aph` float DEFAULT NULL,
  `apm` float DEFAULT NULL,
  `window` double DEFAULT NULL,
  `np` float DEFAULT NULL,
  `gens` float DEFAULT NULL,
  PRIMARY KEY (`idparameters`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `program` (
  `digest` varchar(128) NOT NULL,
  `label` varchar(255) NOT NULL DEFAULT '',
  `arguments` longtext DEFAULT NULL CHECK (json_valid(`arguments`)),
  `first_seen_at` timestamp NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`digest`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `program_of_2019` (
  `program` varchar(128) NOT NULL,
  `parameters_idparameters` int(11) NOT NULL,
  `data_iddata` int(11) NOT NULL,
  PRIMARY KEY (`program`,`parameters_idparameters`,`data_iddata`),
  KEY `program_of_2019_by_parameters` (`parameters_idparameters`),
  KEY `program_of_2019_by_data` (`data_iddata`),
  CONSTRAINT `program_of_2019_data` FOREIGN KEY (`data_iddata`) REFERENCES `data` (`iddata`),
  CONSTRAINT `program_of_2019_parameters` FOREIGN KEY (`parameters_idparameters`) REFERENCES `parameters` (`idparameters`),
  CONSTRAINT `program_of_2019_program` FOREIGN KEY (`program`) REFERENCES `program` (`digest`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `report` (
  `run` varchar(128) NOT NULL,
  `instance_id` varchar(64) NOT NULL,
  `reported_at` double NOT NULL,
  `perf_sec` double DEFAULT NULL,
  `perf_sec_stdev` double DEFAULT NULL,
  `tasks_completed` bigint(20) NOT NULL DEFAULT 0,
  `rejected` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`run`,`instance_id`,`reported_at`),
  CONSTRAINT `report_of_run` FOREIGN KEY (`run`) REFERENCES `run` (`run`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `run` (
  `run` varchar(128) NOT NULL,
  `experiment` varchar(128) NOT NULL,
  `program` varchar(128) NOT NULL,
  `status` varchar(16) NOT NULL,
  `started_at` double NOT NULL,
  `ended_at` double DEFAULT NULL,
  `tasks_total` bigint(20) DEFAULT NULL,
  `tasks_committed` bigint(20) NOT NULL DEFAULT 0,
  `budget_usd` double DEFAULT NULL,
  `deadline_s` double DEFAULT NULL,
  `spent_usd` double NOT NULL DEFAULT 0,
  `policy` varchar(64) NOT NULL DEFAULT '',
  `message` mediumtext NOT NULL,
  `policy_memory` longtext NOT NULL CHECK (json_valid(`policy_memory`)),
  PRIMARY KEY (`run`),
  KEY `run_by_experiment` (`experiment`,`started_at`),
  KEY `run_by_program` (`program`,`ended_at`),
  CONSTRAINT `run_of_program` FOREIGN KEY (`program`) REFERENCES `program` (`digest`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `run_instance` (
  `run` varchar(128) NOT NULL,
  `instance_id` varchar(64) NOT NULL,
  `role` varchar(32) NOT NULL,
  `instance_type` varchar(64) NOT NULL,
  `availability_zone` varchar(64) NOT NULL,
  `market` varchar(16) NOT NULL,
  `launched_at` double NOT NULL,
  `ready_at` double DEFAULT NULL,
  `ended_at` double DEFAULT NULL,
  `ended_because` text NOT NULL,
  `cost_usd` double NOT NULL DEFAULT 0,
  `tasks` bigint(20) NOT NULL DEFAULT 0,
  `replaces` varchar(64) DEFAULT NULL,
  `last_reported_at` double DEFAULT NULL,
  `last_perf_sec` double DEFAULT NULL,
  `last_perf_sec_stdev` double DEFAULT NULL,
  `last_tasks_completed` bigint(20) DEFAULT NULL,
  PRIMARY KEY (`run`,`instance_id`),
  KEY `run_instance_by_type` (`instance_type`),
  CONSTRAINT `run_instance_of_run` FOREIGN KEY (`run`) REFERENCES `run` (`run`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `schema_migration` (
  `name` varchar(128) NOT NULL,
  `checksum` char(64) NOT NULL,
  `applied_at` timestamp NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
