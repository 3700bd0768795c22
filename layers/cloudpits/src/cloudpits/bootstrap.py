"""The only place that wires ports to adapters: functions in the cloud and books for the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from aws_lambda_powertools import Logger

from cloudpits.adapters.aws.channel import S3Channel
from cloudpits.adapters.aws.clients import client
from cloudpits.adapters.aws.clock import clock_from
from cloudpits.adapters.aws.fleet import Ec2Fleet, Site
from cloudpits.adapters.aws.metrics import CloudWatchMetrics
from cloudpits.adapters.aws.prices import AwsPrices
from cloudpits.adapters.aws.signals import EventBridgeSchedule, SnsNotifier
from cloudpits.adapters.catalogue import PackagedCatalogue
from cloudpits.adapters.mysql.address import parse_address
from cloudpits.adapters.mysql.books import MySqlBooks
from cloudpits.adapters.mysql.connection import Database, connect
from cloudpits.adapters.mysql.migrator import migrate_database
from cloudpits.adapters.mysql.secret import read_secret
from cloudpits.application.context import Assignment, Ports
from cloudpits.application.controller import Controller
from cloudpits.application.spot_events import parse_spot_event
from cloudpits.config.environment import ClockEnvironment, ControllerEnvironment, read_environment
from cloudpits.config.events import parse_rebalancer_event
from cloudpits.config.experiment import Experiment, parse_experiment
from cloudpits.domain.errors import InvalidInputError, StorageError
from cloudpits.domain.policies import registry
from cloudpits.domain.ports import Books, Catalogue

logger = Logger()  # one JSON line per entry; the figures of an answer are fields of their own
Handle = Callable[[object, str], dict[str, Any]]


def controller() -> Handle:
    """What the rebalancer function does with an event and its request id (the cycle's id, unless the event has one)."""

    def handle(event: object, request_id: str) -> dict[str, Any]:
        checked = parse_rebalancer_event(event)
        return _with_controller(lambda made: made.handle(checked, request_id))

    return handle


def spot_events() -> Handle:
    """What the spot-event function does with an event of EC2 and its request id; ``{}`` only tries the wiring."""

    def handle(event: object, request_id: str) -> dict[str, Any]:
        if event == {}:
            return _with_controller(lambda made: {"run": made.assignment.run, "skipped": "an empty event says nothing"})
        checked = parse_spot_event(event)
        return _with_controller(lambda made: made.handle_spot(checked, checked.event_id or request_id))

    return handle


def migrator(directory: Path) -> Callable[[], list[str]]:
    """Applies the migrations in ``directory`` to the database of ``CLOUDPITS_DATABASE_SECRET``; names them."""
    secrets = client("secretsmanager", os.environ["AWS_REGION"])
    return lambda: migrate_database(secrets, directory)


def books_from_url(url: str) -> Books:
    """The books in the database at ``url``; StorageError when it cannot be reached."""
    return MySqlBooks(connect(url))


def _with_controller(work: Callable[[Controller], dict[str, Any]]) -> dict[str, Any]:
    try:
        answer = work(_controller())
    except StorageError:
        # The password may have been renewed since this process read it: the next event reads it again.
        _controller.cache_clear()
        raise
    logger.info("answered", extra=answer)
    return answer


@cache
def _controller() -> Controller:
    """The controller that the environment describes, kept while the function stays warm."""
    environment = read_environment(ControllerEnvironment)
    experiment = _experiment(environment)
    subnets = _pairs(environment.subnets, "SUBNETS")
    ports = _ports(environment, experiment, subnets)
    assignment = Assignment(
        experiment=experiment,
        run=environment.run,
        program=environment.program,
        architectures=tuple(environment.architectures.split(",")),
        policy=registry.get(experiment.rebalance.policy),
        zones=tuple(subnets),
    )
    return Controller(ports, assignment)


def _ports(environment: ControllerEnvironment, experiment: Experiment, subnets: Mapping[str, str]) -> Ports:
    region = experiment.region
    clock = clock_from(read_environment(ClockEnvironment))
    catalogue = PackagedCatalogue(region, as_of=clock.now())
    site = Site(
        experiment=experiment.name,
        run=environment.run,
        worker_templates=_pairs(environment.worker_template, "WORKER_TEMPLATE"),
        job_manager_template=environment.job_manager_template,
        subnets=subnets,
    )
    secret = read_secret(client("secretsmanager", region), environment.database_secret)
    return Ports(
        clock=clock,
        fleet=Ec2Fleet(client("ec2", region), site, lambda name: _architecture(catalogue, name)),
        prices=AwsPrices(region, catalogue),
        catalogue=catalogue,
        metrics=CloudWatchMetrics(client("cloudwatch", region)),
        channel=S3Channel(client("s3", region), environment.bucket, environment.run),
        books=MySqlBooks(Database(parse_address(secret))),  # connects when first used, so that a cycle can do without
        notifier=SnsNotifier(client("sns", region), environment.topic),
        schedule=EventBridgeSchedule(client("scheduler", region), environment.schedule),
        new_id=lambda: uuid4().hex,
    )


def _experiment(environment: ControllerEnvironment) -> Experiment:
    source = "environment: CLOUDPITS_EXPERIMENT"
    try:
        document = json.loads(environment.experiment)
    except json.JSONDecodeError as error:
        raise InvalidInputError(f"{source}: not valid JSON: {error}") from None
    return parse_experiment(document, source)


def _pairs(text: str, variable: str) -> dict[str, str]:
    """``a=1,b=2`` as a mapping."""
    pairs = [part.strip().partition("=") for part in text.split(",")]
    if not all(name and found and value for name, found, value in pairs):
        raise InvalidInputError(f"environment: CLOUDPITS_{variable}: must look like name=id,name=id (given: {text!r})")
    return {name: value for name, _, value in pairs}


def _architecture(catalogue: Catalogue, instance_type: str) -> str:
    return catalogue.types([instance_type], ["x86_64", "arm64"])[instance_type].architecture
