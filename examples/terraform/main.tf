# Orders from an event bus, a report every night, and an extension that watches both.
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

locals {
  architecture        = "x86_64"
  layer               = "audit-x86_64"
  layer_architectures = ["x86_64"]

  package = "out/shop-${local.architecture}.zip"
}

resource "aws_iam_role" "shop" {
  name = "shop"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.shop.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_layer_version" "audit" {
  layer_name               = "shop-audit"
  filename                 = "out/${local.layer}.zip"
  source_code_hash         = filebase64sha256("out/${local.layer}.zip")
  compatible_architectures = local.layer_architectures
}

resource "aws_lambda_function" "orders" {
  function_name    = "shop-orders"
  role             = aws_iam_role.shop.arn
  runtime          = "provided.al2023"
  handler          = "bin/orders"
  architectures    = [local.architecture]
  filename         = local.package
  source_code_hash = filebase64sha256(local.package)
  layers           = [aws_lambda_layer_version.audit.arn]
  timeout          = 10
}

resource "aws_cloudwatch_event_rule" "placed" {
  name          = "shop-placed"
  event_pattern = jsonencode({ source = ["shop"], detail-type = ["order placed"] })
}

resource "aws_cloudwatch_event_target" "placed" {
  rule       = aws_cloudwatch_event_rule.placed.name
  arn        = aws_lambda_function.orders.arn
  input_path = "$.detail"
}

resource "aws_lambda_permission" "placed" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.orders.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.placed.arn
}

resource "aws_lambda_function" "report" {
  function_name    = "shop-report"
  role             = aws_iam_role.shop.arn
  runtime          = "provided.al2023"
  handler          = "bin/report"
  architectures    = [local.architecture]
  filename         = local.package
  source_code_hash = filebase64sha256(local.package)
  layers           = [aws_lambda_layer_version.audit.arn]
  publish          = true
  timeout          = 10
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.report.function_name
  function_version = aws_lambda_function.report.version
}

resource "aws_cloudwatch_event_rule" "nightly" {
  name                = "shop-nightly"
  schedule_expression = "rate(1 day)"
}

resource "aws_cloudwatch_event_target" "nightly" {
  rule  = aws_cloudwatch_event_rule.nightly.name
  arn   = aws_lambda_alias.live.arn
  input = jsonencode({ csv = "region,cents\nnorth,1200\n" })
}

resource "aws_lambda_permission" "nightly" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.report.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.nightly.arn
}
