"""The CDK application: `npx cdk synth -c experiment=examples/experiments/pi.toml`."""

from infra.app import main

main()
