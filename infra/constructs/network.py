"""The network: dual-stack and without NAT, so that it costs nothing while nothing runs."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

HTTPS = 443
CIDR = "10.42.0.0/16"
_INTERFACE_SERVICES = {
    "Ec2": ec2.InterfaceVpcEndpointAwsService.EC2,
    "CloudWatch": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_MONITORING,
    "SecretsManager": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "Sns": ec2.InterfaceVpcEndpointAwsService.SNS,
    "Scheduler": ec2.InterfaceVpcEndpointAwsService("scheduler"),
    "Ssm": ec2.InterfaceVpcEndpointAwsService.SSM,
}


def allow_https_out(group: ec2.SecurityGroup) -> None:
    """Let ``group`` reach HTTPS services over both IP versions: AWS's APIs, Amazon Linux's mirrors in S3."""
    for peer in (ec2.Peer.any_ipv4(), ec2.Peer.any_ipv6()):
        group.add_egress_rule(peer, ec2.Port.tcp(HTTPS), "AWS APIs and package mirrors")


class Network(Construct):
    """A VPC whose fleet subnets reach AWS by IPv6 (egress-only) and S3 by a free gateway endpoint.

    A NAT gateway would cost about 32 USD a month and public IPv4 addresses 3.65 USD each; neither is used.
    ``interface_endpoints`` adds private endpoints for accounts in which IPv6 to AWS's APIs is not allowed.
    """

    def __init__(self, scope: Construct, construct_id: str, *, zones: int, interface_endpoints: bool) -> None:
        super().__init__(scope, construct_id)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_protocol=ec2.IpProtocol.DUAL_STACK,
            ip_addresses=ec2.IpAddresses.cidr(CIDR),
            availability_zones=[cdk.Fn.select(index, cdk.Fn.get_azs()) for index in range(zones)],
            nat_gateways=0,
            create_internet_gateway=False,
            # Emptying the default group takes a custom resource; nothing here ever uses that group.
            restrict_default_security_group=False,
            gateway_endpoints={"S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)},
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Fleet", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=20),
                ec2.SubnetConfiguration(name="Database", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=26),
            ],
        )
        self.fleet_subnets = [
            subnet
            for subnet in self.vpc.select_subnets(subnet_group_name="Fleet").subnets
            if isinstance(subnet, ec2.Subnet)
        ]
        self.database_subnets = ec2.SubnetSelection(subnet_group_name="Database")
        if interface_endpoints:
            self._add_interface_endpoints()

    def _add_interface_endpoints(self) -> None:
        group = ec2.SecurityGroup(
            self, "Endpoints", vpc=self.vpc, description="Private endpoints of AWS APIs", allow_all_outbound=False
        )
        group.add_ingress_rule(ec2.Peer.ipv4(CIDR), ec2.Port.tcp(HTTPS), "the network itself")
        for name, service in _INTERFACE_SERVICES.items():
            self.vpc.add_interface_endpoint(
                name,
                service=service,
                subnets=ec2.SubnetSelection(subnets=[*self.fleet_subnets]),
                security_groups=[group],
                open=False,
            )
