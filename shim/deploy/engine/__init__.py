"""Hands many deployments to AWS Step Functions, which carries them out in the account."""
