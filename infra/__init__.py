"""The CDK application: what CloudPITS needs in AWS, as code."""
