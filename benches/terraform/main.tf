# The environment of stacks/ecs-navi.yaml, value for value, as a user of Terraform would write it. The edges that AWS asks for and
# that no reference makes (the internet gateway before what leads through it, a rule before its service) are written out:
# without them an apply depends on luck.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.46"
    }
  }
}

variable "endpoint" {
  description = "Where the sandbox listens."
  type        = string
}

variable "region" {
  type    = string
  default = "ap-northeast-1"
}

variable "domain" {
  description = "A public hosted zone of this name must be there."
  type        = string
  default     = "ecs-navi.site"
}

provider "aws" {
  region                  = var.region
  access_key              = "sandbox"
  secret_key              = "sandbox"
  skip_metadata_api_check = true

  endpoints {
    acm              = var.endpoint
    ec2              = var.endpoint
    ecs              = var.endpoint
    elbv2            = var.endpoint
    iam              = var.endpoint
    logs             = var.endpoint
    route53          = var.endpoint
    servicediscovery = var.endpoint
    sts              = var.endpoint
  }
}

data "aws_caller_identity" "current" {}

data "aws_route53_zone" "public" {
  name         = var.domain
  private_zone = false
}

locals {
  name     = "ecs-navi"
  registry = "${data.aws_caller_identity.current.account_id}.dkr.ecr.${var.region}.amazonaws.com"
  anywhere = "0.0.0.0/0"

  public_subnets  = { "1a" = "10.0.1.0/24", "1c" = "10.0.2.0/24" }
  private_subnets = { "1a" = "10.0.10.0/24", "1c" = "10.0.11.0/24" }

  # What is different between the two services; what they share is in services.tf.
  services = {
    backend = {
      family            = "${local.name}-nginx-task"
      discovery         = "backend"
      host              = "api.${var.domain}"
      priority          = 200
      target_group_port = 80
      security_group    = "${local.name}-backend-sg"
      containers = [
        { name = "nginx", image = "${local.name}-nginx", ports = [80], log_group = "/ecs/nginx", log_prefix = "ecs-nginx" },
        { name = "api", image = "${local.name}-api", ports = [], log_group = "/ecs/api", log_prefix = "ecs-api" },
      ]
    }
    nginx-proxy = {
      family            = "${local.name}-nginx-proxy-task"
      discovery         = "proxy-nginx"
      host              = var.domain
      priority          = 100
      target_group_port = 3000
      security_group    = "${local.name}-proxy-nginx-sg"
      containers = [
        { name = "nginx", image = "${local.name}-nginx-proxy", ports = [80], log_group = null, log_prefix = null },
      ]
    }
  }
}
