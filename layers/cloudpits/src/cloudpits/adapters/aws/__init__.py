"""The ports on AWS, through boto3. AWS error codes are translated once, in ``errors.py``."""
