"""Lambda's API in our words, boto3 behind it, and what `aws lambda get-function` prints."""
