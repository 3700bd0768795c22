-- The six tables of the first CloudPITS (2019), with its names, columns and types, so that its dumps load.
-- They stay exactly as they were, for a dump made without column names must find the columns it was made from;
-- everything newer lives in tables beside them. Only the character set is wider.

CREATE TABLE IF NOT EXISTS `data` (  -- a data set
  `iddata` INT NOT NULL AUTO_INCREMENT,
  `name`   VARCHAR(45) NULL,
  `hash`   VARCHAR(45) NULL,         -- MD5 of the file
  PRIMARY KEY (`iddata`)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE IF NOT EXISTS `instance` (  -- an instance type, such as c5.large
  `name` VARCHAR(45) NOT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE IF NOT EXISTS `parameters` (  -- arguments of the seismic program measured then
  `idparameters` INT NOT NULL AUTO_INCREMENT,
  `aph`    FLOAT NULL,   -- aperture in half offsets
  `apm`    FLOAT NULL,   -- aperture in midpoints
  `window` DOUBLE NULL,  -- time window
  `np`     FLOAT NULL,   -- population members
  `gens`   FLOAT NULL,   -- generations
  PRIMARY KEY (`idparameters`)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE IF NOT EXISTS `experiment` (  -- a data set with parameters on an instance type
  `idperformance`           INT NOT NULL AUTO_INCREMENT,
  `data_iddata`             INT NOT NULL,
  `parameters_idparameters` INT NOT NULL,
  `instance_name`           VARCHAR(45) NOT NULL,
  PRIMARY KEY (`idperformance`),
  KEY `fk_performance_data1_idx` (`data_iddata`),
  KEY `fk_performance_parameters1_idx` (`parameters_idparameters`),
  KEY `fk_performance_instance1_idx` (`instance_name`),
  CONSTRAINT `fk_performance_data1` FOREIGN KEY (`data_iddata`) REFERENCES `data` (`iddata`),
  CONSTRAINT `fk_performance_instance1` FOREIGN KEY (`instance_name`) REFERENCES `instance` (`name`),
  CONSTRAINT `fk_performance_parameters1` FOREIGN KEY (`parameters_idparameters`) REFERENCES `parameters` (`idparameters`)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE IF NOT EXISTS `interpols` (  -- how many tasks a data set with parameters has
  `idinterpols`             INT NOT NULL AUTO_INCREMENT,
  `parameters_idparameters` INT NOT NULL,
  `data_iddata`             INT NOT NULL,
  `interpols`               FLOAT NULL,
  `datetime`                DATETIME NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (`idinterpols`),
  KEY `fk_interpols_parameters1_idx` (`parameters_idparameters`),
  KEY `fk_interpols_data1_idx` (`data_iddata`),
  CONSTRAINT `fk_interpols_data1` FOREIGN KEY (`data_iddata`) REFERENCES `data` (`iddata`),
  CONSTRAINT `fk_interpols_parameters1` FOREIGN KEY (`parameters_idparameters`) REFERENCES `parameters` (`idparameters`)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE IF NOT EXISTS `interpsec` (  -- one measurement: tasks per second
  `idinterpsec`              INT NOT NULL AUTO_INCREMENT,
  `interpsec`                FLOAT NULL,
  `experiment_idperformance` INT NOT NULL,
  `creationDate`             DATETIME NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (`idinterpsec`),
  KEY `fk_interpsec_experiment1_idx` (`experiment_idperformance`),
  CONSTRAINT `fk_interpsec_experiment1` FOREIGN KEY (`experiment_idperformance`) REFERENCES `experiment` (`idperformance`)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_general_ci;
