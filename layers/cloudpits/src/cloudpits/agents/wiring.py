"""Puts the parts of each agent together for the instance it runs on."""

from __future__ import annotations

import logging
from collections.abc import Callable

from cloudpits.adapters.aws.channel import S3Channel
from cloudpits.agents.commands import job_manager_command, task_manager_command
from cloudpits.agents.discovery import Discovery, NodeFiles
from cloudpits.agents.host import CONFIG, Host
from cloudpits.agents.instances import EC2Workers
from cloudpits.agents.job_manager import JobManagerAgent, JobManagerParts, JobSettings
from cloudpits.agents.journal_sync import JournalSync
from cloudpits.agents.metrics import CloudWatchSink
from cloudpits.agents.notices import NoticeWatch
from cloudpits.agents.outputs import Outputs
from cloudpits.agents.probing import probe_all
from cloudpits.agents.processes import Process
from cloudpits.agents.retrying import hopeless, persistently
from cloudpits.agents.tally import Tally
from cloudpits.agents.worker import WorkerAgent, WorkerSettings
from cloudpits.domain.errors import CloudPitsError
from cloudpits.domain.ports import Progress
from cloudpits.spits.handshake import Credentials

logger = logging.getLogger(__name__)


def build_worker(host: Host, shutting_down: Callable[[], bool]) -> WorkerAgent:
    """A worker, its artefacts fetched, its task manager not yet started."""
    document, identity, workspace = host.document, host.identity, host.workspace
    channel, artefacts = host.channel(), host.fetch(host.store())
    grace_s = host.cadence.real_seconds(document.drain_s)
    command = task_manager_command(document, artefacts, workspace, identity.private_ip, grace_s)
    return WorkerAgent(
        clock=host.clock,
        task_manager=Process(
            command, workspace.job, workspace.logs / "spits-tm.log", artefacts.environment(host.environment)
        ),
        status=workspace.status,
        metrics=CloudWatchSink(host.session.client("cloudwatch", config=CONFIG), identity, document.metrics_s),
        notices=NoticeWatch(host.metadata, channel, identity.instance_id, host.cadence.notice_s),
        orders=host.orders(channel),
        settings=WorkerSettings(host.cadence, document.metrics_s, document.drain_s),
        shutting_down=shutting_down,
    )


def run_job_manager(host: Host, shutting_down: Callable[[], bool]) -> int:
    """Build the job-manager host and run it; what would go wrong again on another instance ends the run."""
    channel = host.channel()
    before = persistently(host.clock, channel.progress)
    if before is not None and before.state == "completed":
        logger.info("run %s is completed already", host.document.run)
        return 0
    try:
        agent = build_job_manager(host, channel, before, shutting_down)
    except CloudPitsError as error:
        if hopeless(error):
            channel.publish_progress(Progress(None, 0, "failed", host.clock.now(), str(error)))
        raise
    return agent.run()


def build_job_manager(
    host: Host, channel: S3Channel, before: Progress | None, shutting_down: Callable[[], bool]
) -> JobManagerAgent:
    """A job-manager host, artefacts and journal fetched, its job manager not yet started."""
    document, workspace, store = host.document, host.workspace, host.store()
    artefacts = host.fetch(store)
    journal = JournalSync(store, f"{host.folder}journal/", workspace.journal)
    resumed = persistently(host.clock, journal.restore) > 0
    if resumed:
        logger.info("resuming from the journal of an earlier job manager")
    outputs = Outputs(workspace, f"{host.folder}output/")
    tally = Tally(None if before is None else before.workers)
    command = job_manager_command(document, artefacts, workspace, host.identity.private_ip)
    parts = JobManagerParts(
        clock=host.clock,
        job_manager=Process(
            command, workspace.job, workspace.logs / "spits-jm.log", artefacts.environment(host.environment)
        ),
        status=workspace.status,
        channel=channel,
        orders=host.orders(channel),
        discovery=build_discovery(host, tally),
        tally=tally,
        journal=journal,
        store_outputs=lambda: outputs.store(store, host.clock),
        shutting_down=shutting_down,
    )
    committed = before.tasks_committed if resumed and before is not None else 0
    return JobManagerAgent(
        parts, JobSettings(host.cadence, document.journal_s, document.program.tasks_total, committed)
    )


def build_discovery(host: Host, tally: Tally) -> Discovery:
    """Discovery of the run's workers, by EC2 tags."""
    document, secret = host.document, host.workspace.secret
    credentials = Credentials(document.run, secret.read_bytes().strip() if secret.exists() else b"")
    return Discovery(
        workers=EC2Workers(host.session.client("ec2", config=CONFIG), document.run),
        probe=lambda addresses: probe_all(addresses, document.task_manager_port, credentials),
        nodes=NodeFiles(host.workspace.nodes, document.task_manager_port),
        on_registered=tally.assign,
        period_s=host.cadence.discovery_s,
    )
