"""The CDK application: `npx cdk synth -c experiment=examples/experiments/pi.toml`."""

from infra.main import main

main()
