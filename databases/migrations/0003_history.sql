-- History from elsewhere: measurements typed in or made by other tools, and those of 2019 that a program can use.

CREATE TABLE IF NOT EXISTS imported_rate (
  program       VARCHAR(128) NOT NULL,
  label         VARCHAR(128) NOT NULL,  -- where it comes from; importing under the same label again replaces it
  instance_type VARCHAR(64) NOT NULL,
  position      INT NOT NULL,           -- several samples of one type may come under one label
  mean          DOUBLE NOT NULL,        -- tasks per second
  stdev         DOUBLE NOT NULL,
  samples       INT NOT NULL,
  imported_at   TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (program, label, instance_type, position),
  CONSTRAINT imported_rate_of_program FOREIGN KEY (program) REFERENCES program (digest)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS program_of_2019 (  -- which of the old measurements are of this program
  program                 VARCHAR(128) NOT NULL,
  parameters_idparameters INT NOT NULL,
  data_iddata             INT NOT NULL,
  PRIMARY KEY (program, parameters_idparameters, data_iddata),
  KEY program_of_2019_by_parameters (parameters_idparameters),
  KEY program_of_2019_by_data (data_iddata),
  CONSTRAINT program_of_2019_program FOREIGN KEY (program) REFERENCES program (digest),
  CONSTRAINT program_of_2019_parameters FOREIGN KEY (parameters_idparameters) REFERENCES `parameters` (idparameters),
  CONSTRAINT program_of_2019_data FOREIGN KEY (data_iddata) REFERENCES `data` (iddata)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;
