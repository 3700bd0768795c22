"""The application's entry point: bad input ends it at once, in one line, before Node and CDK are even started."""

from __future__ import annotations

import json
import os
import sys

from cloudpits.config.errors import InvalidInputError
from infra.settings import load_target, read_settings

_CONTEXT = "CDK_CONTEXT_JSON"  # how the CDK command line passes -c and cdk.json's context
# Node 20 is what Debian and CI have; jsii's banner about its end of life would bury the one line that matters.
_SILENCED = {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "18,20"}


def main() -> None:
    """Synthesise; bad input is one line on stderr and exit code 2."""
    os.environ.update(_SILENCED)
    try:
        load_target(read_settings(json.loads(os.environ.get(_CONTEXT, "{}"))))
        from infra.app import build_app  # noqa: PLC0415  # loading CDK takes seconds

        build_app().synth()
    except InvalidInputError as error:
        print(f"cloudpits: {error}", file=sys.stderr)  # noqa: T201  # the CDK command line shows it as it is
        sys.exit(error.exit_code)
