-- MySQL dump 10.13  Distrib 5.7.26, for Linux (x86_64)
--
-- SYNTHETIC: made by hand in the form of a dump of the 2019 database; none of its figures was measured.
-- ------------------------------------------------------
-- Server version	5.7.26-log

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET NAMES utf8 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;

DROP TABLE IF EXISTS `data`;
CREATE TABLE `data` (
  `iddata` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(45) DEFAULT NULL,
  `hash` varchar(45) DEFAULT NULL,
  PRIMARY KEY (`iddata`)
) ENGINE=InnoDB AUTO_INCREMENT=13 DEFAULT CHARSET=utf8;
LOCK TABLES `data` WRITE;
/*!40000 ALTER TABLE `data` DISABLE KEYS */;
INSERT INTO `data` VALUES (11,'synthetic-land','0123456789abcdef0123456789abcdef'),(12,'it\'s; (tricky), \\ \"sea\"',NULL);
/*!40000 ALTER TABLE `data` ENABLE KEYS */;
UNLOCK TABLES;

DROP TABLE IF EXISTS `experiment`;
CREATE TABLE `experiment` (
  `idperformance` int(11) NOT NULL AUTO_INCREMENT,
  `data_iddata` int(11) NOT NULL,
  `parameters_idparameters` int(11) NOT NULL,
  `instance_name` varchar(45) NOT NULL,
  PRIMARY KEY (`idperformance`),
  KEY `fk_performance_data1_idx` (`data_iddata`),
  CONSTRAINT `fk_performance_data1` FOREIGN KEY (`data_iddata`) REFERENCES `data` (`iddata`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO `experiment` VALUES (5001,11,41,'c5.large'),(5002,11,41,'m5.xlarge'),(5003,12,42,'c5.large');

DROP TABLE IF EXISTS `instance`;
CREATE TABLE `instance` (
  `name` varchar(45) NOT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO `instance` VALUES ('c5.large'),('m5.xlarge'),('r5.large');

DROP TABLE IF EXISTS `interpols`;
CREATE TABLE `interpols` (
  `idinterpols` int(11) NOT NULL AUTO_INCREMENT,
  `parameters_idparameters` int(11) NOT NULL,
  `data_iddata` int(11) NOT NULL,
  `interpols` float DEFAULT NULL,
  `datetime` datetime DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (`idinterpols`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO `interpols` VALUES (61,41,11,1000,'2019-05-31 10:00:00'),(62,41,11,1200,'2019-06-01 10:00:00'),(63,42,12,7,'0000-00-00 00:00:00');

DROP TABLE IF EXISTS `interpsec`;
CREATE TABLE `interpsec` (
  `idinterpsec` int(11) NOT NULL AUTO_INCREMENT,
  `interpsec` float DEFAULT NULL,
  `experiment_idperformance` int(11) NOT NULL,
  `creationDate` datetime DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (`idinterpsec`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO `interpsec` VALUES (40001,1.5,5001,'2019-05-31 10:00:00'),(40002,2.5,5001,'2019-05-31 10:05:00'),(40003,2.5,5001,'2019-05-31 10:05:00'),(40004,0,5001,'2019-05-31 10:10:00'),(40005,NULL,5001,NULL);
INSERT INTO `interpsec` VALUES (40006,3.7e0,5002,'2019-05-31 10:00:00'),(40007,0.0123,5003,'2019-05-31 10:00:00');

DROP TABLE IF EXISTS `parameters`;
CREATE TABLE `parameters` (
  `idparameters` int(11) NOT NULL AUTO_INCREMENT,
  `aph` float DEFAULT NULL,
  `apm` float DEFAULT NULL,
  `window` double DEFAULT NULL,
  `np` float DEFAULT NULL,
  `gens` float DEFAULT NULL,
  PRIMARY KEY (`idparameters`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO `parameters` VALUES (41,0.1,200,0.016,30,50),(42,-1e3,NULL,0.032,30,50);

DELIMITER ;;
/*!50003 CREATE*/ /*!50003 TRIGGER `t` BEFORE INSERT ON `data` FOR EACH ROW BEGIN
  INSERT INTO `data` VALUES (99,'from a trigger',NULL);
END */;;
DELIMITER ;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
-- Dump completed
