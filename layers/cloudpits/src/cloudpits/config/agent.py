"""The document that user data leaves on an instance for its agent, and its rendering into user data.

Infrastructure writes it, agents (and the embedded cloud, which plays the instances) read it: one definition.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from cloudpits.config.experiment import Program

AGENT_CONFIG_PATH = "/etc/cloudpits/agent.json"
END_MARK = "# --- end of agent document ---"


class AgentDocument(BaseModel):
    """All an agent must know; everything else it asks the instance metadata service."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["worker", "job-manager"]
    experiment: str
    run: str
    region: str
    bucket: str  # run artefacts and the channel live under s3://<bucket>/runs/<run>/
    program: Program
    modules: dict[str, str]  # architecture → s3 URI of the module
    libraries: tuple[str, ...] = ()  # s3 URIs
    data: str | None = None  # s3 URI
    file_names: dict[str, str] = {}  # URI → the file's own name, where the object's key is another
    task_manager_port: int = 7727
    job_manager_port: int = 7726
    metrics_s: float = Field(default=60.0, gt=0)
    journal_s: float = Field(default=60.0, gt=0)
    drain_s: float = Field(default=120.0, gt=0)
    lease_s: float = Field(default=1800.0, gt=0)  # controller silence after which the instance ends itself
    secret_arn: str | None = None  # Secrets Manager secret that job manager and workers prove to each other


def embed(document: AgentDocument) -> str:
    """The document as shell lines that write it to ``AGENT_CONFIG_PATH``."""
    body = document.model_dump_json(indent=1)
    return "\n".join(
        [
            f"mkdir -p {AGENT_CONFIG_PATH.rpartition('/')[0]}",
            f"cat > {AGENT_CONFIG_PATH} <<'{END_MARK}'",
            body,
            END_MARK,
        ]
    )


def extract(user_data: str) -> AgentDocument:
    """Read back what ``embed`` wrote; ValueError if there is none."""
    _, found, rest = user_data.partition(f"<<'{END_MARK}'\n")
    body, ended, _ = rest.partition(f"\n{END_MARK}")
    if not (found and ended):
        raise ValueError("user data holds no CloudPITS agent document")
    return AgentDocument.model_validate_json(body)
