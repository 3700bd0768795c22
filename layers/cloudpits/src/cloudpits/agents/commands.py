"""Command lines of the SPITS programs that the agents run.

The module is named relative to the working directory: a job manager that resumes on another instance, where the
work directory has another name, then still runs the same command line.
"""

from __future__ import annotations

from pathlib import Path

from cloudpits.agents.artefacts import Artefacts, Workspace
from cloudpits.agents.processes import find_program
from cloudpits.config.agent import AgentDocument


def program_line(document: AgentDocument, artefacts: Artefacts, workspace: Workspace) -> list[str]:
    """The module and its arguments, as run in ``workspace.job``."""
    module = Path("..") / artefacts.module.relative_to(workspace.root)
    return [str(module), *document.program.arguments]


def task_manager_command(
    document: AgentDocument, artefacts: Artefacts, workspace: Workspace, ip: str, grace_s: float
) -> list[str]:
    """``spits-tm`` on the fixed port of the private address; ``grace_s`` is real time."""
    program = document.program
    return [
        find_program("spits-tm"),
        *("--job", document.run),
        *("--bind", ip),
        *("--port", str(document.task_manager_port)),
        *(() if program.workers_per_instance is None else ("--workers", str(program.workers_per_instance))),
        *("--overfill", str(program.overfill)),
        *("--grace", f"{grace_s:g}"),
        *("--status", str(workspace.status)),
        *_secret(document, workspace),
        *program_line(document, artefacts, workspace),
    ]


def job_manager_command(document: AgentDocument, artefacts: Artefacts, workspace: Workspace, ip: str) -> list[str]:
    """``spits-jm`` on its port of the private address, with a journal to resume from.

    It counts the tasks itself, by a dry run beside the job, unless the experiment says how many there are.
    """
    program = document.program
    return [
        find_program("spits-jm"),
        *("--job", document.run),
        *("--bind", ip),
        *("--port", str(document.job_manager_port)),
        *("--journal", str(workspace.journal)),
        *("--status", str(workspace.status)),
        *("--nodes-dir", str(workspace.nodes)),
        *("--max-attempts", str(program.max_attempts)),
        *("--on-poison", program.on_poison),
        *(() if program.tasks_total is None else ("--tasks-total", str(program.tasks_total))),
        *_secret(document, workspace),
        *program_line(document, artefacts, workspace),
    ]


def _secret(document: AgentDocument, workspace: Workspace) -> tuple[str, ...]:
    return () if document.secret_arn is None else ("--secret-file", str(workspace.secret))
