"""The experiment's files in S3: module per architecture, libraries, data, and the agent's own bundle."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from cloudpits.config.artefacts import is_remote, local_path
from infra.bundling import PACKAGE, agent_bundle
from infra.settings import Target


class ProgramFiles(Construct):
    """Uploads what is local and remembers what may be read; ``s3://`` locations are used where they are."""

    def __init__(self, scope: Construct, construct_id: str, *, target: Target) -> None:
        super().__init__(scope, construct_id)
        self._readable: list[str] = []
        self._located: dict[str, str] = {}
        self.file_names: dict[str, str] = {}
        experiment = target.experiment
        self.modules = {arch: self._locate(path, "program.module") for arch, path in sorted(target.modules.items())}
        self.libraries = tuple(self._locate(path, "program.libraries") for path in experiment.program.libraries)
        self.data = self._locate(experiment.data.path, "data.path") if experiment.data else None
        self._bundles = {arch: self._bundle(arch) for arch in self.modules}

    def bundle(self, architecture: str) -> str:
        """S3 URI of the zip with the agent and its dependencies for ``architecture``."""
        return self._bundles[architecture]

    def grant_read(self, role: iam.IRole) -> None:
        """Allow ``role`` to read exactly these objects."""
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=["s3:GetObject"], resources=sorted(set(self._readable), key=str))
        )

    def _locate(self, location: str, field: str) -> str:
        if location not in self._located:
            self._located[location] = self._remote(location) if is_remote(location) else self._upload(location, field)
        return self._located[location]

    def _remote(self, uri: str) -> str:
        below = "*" if uri.endswith("/") else ""
        self._readable.append(f"arn:aws:s3:::{uri.removeprefix('s3://')}{below}")
        return uri

    def _upload(self, location: str, field: str) -> str:
        path = local_path(location, field).resolve()
        uri = self._register(assets.Asset(self, f"File{len(self._located)}", path=str(path)))
        self.file_names[uri] = path.name
        return uri

    def _bundle(self, architecture: str) -> str:
        return self._register(
            assets.Asset(self, f"Agent-{architecture}", path=str(PACKAGE), **agent_bundle(architecture))
        )

    def _register(self, asset: assets.Asset) -> str:
        self._readable.append(asset.bucket.arn_for_objects(asset.s3_object_key))
        return asset.s3_object_url
