"""Hooks the extension into MiniStack's tables and clocks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.app import app
from ministack.core.responses import request_scope

from cloudpits.local.emulator import cloudformation, market_time, stock
from cloudpits.local.emulator.actions import Ec2Actions
from cloudpits.local.emulator.admin import Admin, Application
from cloudpits.local.emulator.dispatching import Dispatcher, Execute, Gate
from cloudpits.local.emulator.fleet import Emit, Fleet
from cloudpits.local.emulator.market_time import RestartableClock
from cloudpits.local.emulator.world import World


def _emitter(world: World) -> Emit:
    """Publishes EC2 events on the default bus, where rules pick them up."""

    def emit(detail_type: str, detail: Mapping[str, Any]) -> None:
        arn = f"arn:aws:ec2:{world.region}:{world.account}:instance/{detail['instance-id']}"
        entry = {"Source": "aws.ec2", "DetailType": detail_type, "Detail": json.dumps(detail), "Resources": [arn]}
        with request_scope(world.account, world.region):
            stock.put_events({"Entries": [entry]}, allow_aws_source=True)

    return emit


def _in_scope(world: World) -> Execute:
    """Runs functions as the emulated account, from whichever thread."""

    def execute(arn: str, event: Mapping[str, Any]) -> None:
        with request_scope(world.account, world.region):
            stock.execute_function(arn, event)

    return execute


def extended_emulator(world: World, clock: RestartableClock) -> tuple[Application, Fleet]:
    """The ASGI application with everything added, and the fleet that has to be advanced regularly."""
    fleet = Fleet(world, clock.now, _emitter(world))
    stock.actions.update(Ec2Actions(fleet).table())
    stock.resource_handlers.update(cloudformation.handlers(world, stock.resource_handlers))
    gate = Gate(stock.tick_schedules, lambda: stock.restart_schedules(clock.now()))
    stock.replace_dispatch(Dispatcher(_in_scope(world)).dispatch, gate)
    market_time.install(clock, *stock.timed_modules)
    return Admin(fleet, clock, gate, app), fleet
