"""What tells the owner: alarms to the experiment's topic, and a dashboard of rates, progress and spend."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cloudpits.config.stacks import experiment_stack
from infra.constructs.controller import Controller
from infra.settings import Target

WORKER_NAMESPACE = "Performance"
BUDGET_SHARE = 0.9
SILENT_CYCLES = 3
_FIGURES = {"spent_usd": "$.spent_usd", "tasks_committed": "$.tasks.committed"}
_BY_WORKER = "SEARCH('{{{namespace},\"Instance Id\",Type}} MetricName=\"{name}\"', '{statistic}', 60)"


class Monitoring(Construct):
    """Alarms and dashboard of one experiment."""

    def __init__(self, scope: Construct, construct_id: str, *, target: Target, controller: Controller) -> None:
        super().__init__(scope, construct_id)
        self._target, self._controller = target, controller
        # Namespace per experiment: a filter's metric can have no dimension that the log line does not carry.
        self._namespace = f"CloudPITS/{target.experiment.name}"
        self._interval = cdk.Duration.minutes(target.experiment.rebalance.interval_minutes)
        self._figures = {name: self._figure(name, field) for name, field in _FIGURES.items()}
        self._alarm_on_failures()
        self._alarm_on_silence()
        self._alarm_on_budget()
        self._dashboard()

    def _figure(self, name: str, field: str) -> cloudwatch.Metric:
        """A figure of the documents that cycles log, as a metric."""
        logs.MetricFilter(
            self,
            f"Figure-{name}",
            log_group=self._controller.rebalancer_log,
            filter_pattern=logs.FilterPattern.number_value(field, ">=", 0),
            metric_namespace=self._namespace,
            metric_name=name,
            metric_value=field,
        )
        return cloudwatch.Metric(
            namespace=self._namespace, metric_name=name, statistic="Maximum", period=self._interval
        )

    def _notify(self, alarm: cloudwatch.Alarm) -> None:
        alarm.add_alarm_action(actions.SnsAction(self._controller.topic))

    def _alarm_from(self, threshold: float, name: str, metric: cloudwatch.IMetric, why: str) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            alarm_description=why,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        self._notify(alarm)

    def _alarm_on_failures(self) -> None:
        for name, function in self._functions().items():
            errors = function.metric_errors(period=self._interval)
            self._alarm_from(1, f"{name}Errors", errors, f"{name} failed; its log says why")
        depth = self._controller.failures.metric_approximate_number_of_messages_visible()
        self._alarm_from(1, "FailedEvents", depth, "Events were given up; they wait in the failure queue")

    def _alarm_on_silence(self) -> None:
        alarm = cloudwatch.Alarm(
            self,
            "Silence",
            metric=self._controller.rebalancer.metric_invocations(period=self._interval),
            threshold=1,
            alarm_description=f"No cycle for {SILENT_CYCLES} intervals: the controller is down, or the run has ended",
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=SILENT_CYCLES,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
        self._notify(alarm)

    def _alarm_on_budget(self) -> None:
        budget = self._target.experiment.limits.budget_usd
        if budget is not None:
            why = f"{BUDGET_SHARE:.0%} of the budget ({budget:g} USD) is spent"
            self._alarm_from(BUDGET_SHARE * budget, "Budget", self._figures["spent_usd"], why)

    def _functions(self) -> dict[str, lambda_.Function]:
        return {"Rebalancer": self._controller.rebalancer, "SpotEvents": self._controller.spot_events}

    def _dashboard(self) -> None:
        dashboard = cloudwatch.Dashboard(
            self, "Dashboard", dashboard_name=experiment_stack(self._target.experiment.name)
        )
        dashboard.add_widgets(
            self._worker_graph("Tasks/s by instance type", "perf_sec", "Average"),
            self._worker_graph("Tasks completed by instance type", "tasks_completed", "Maximum"),
        )
        limit = self._target.experiment.limits.budget_usd
        dashboard.add_widgets(
            cloudwatch.GraphWidget(
                title="Spent (USD)",
                width=12,
                left=[self._figures["spent_usd"]],
                left_annotations=[cloudwatch.HorizontalAnnotation(value=limit, label="budget")] if limit else [],
            ),
            cloudwatch.GraphWidget(title="Tasks committed", width=12, left=[self._figures["tasks_committed"]]),
        )

    def _worker_graph(self, title: str, name: str, statistic: str) -> cloudwatch.GraphWidget:
        expression = _BY_WORKER.format(namespace=WORKER_NAMESPACE, name=name, statistic=statistic)
        search = cloudwatch.MathExpression(expression=expression, using_metrics={}, label="${PROP('Dim.Type')}")
        return cloudwatch.GraphWidget(title=title, width=12, left=[search])
