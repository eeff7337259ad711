# Who may speak with whom, and what tasks may ask of AWS.

resource "aws_security_group" "ingress" {
  name   = "${local.name}-sg"
  vpc_id = aws_vpc.main.id
  tags   = { Name = "${local.name}-sg" }

  ingress {
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = [local.anywhere]
  }

  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = [local.anywhere]
  }
}

resource "aws_security_group" "proxy" {
  name   = local.services["nginx-proxy"].security_group
  vpc_id = aws_vpc.main.id
  tags   = { Name = local.services["nginx-proxy"].security_group }

  ingress {
    protocol        = "tcp"
    from_port       = 80
    to_port         = 80
    security_groups = [aws_security_group.ingress.id]
  }

  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = [local.anywhere]
  }
}

resource "aws_security_group" "backend" {
  name   = local.services["backend"].security_group
  vpc_id = aws_vpc.main.id
  tags   = { Name = local.services["backend"].security_group }

  ingress {
    protocol        = "tcp"
    from_port       = 80
    to_port         = 80
    security_groups = [aws_security_group.ingress.id, aws_security_group.proxy.id]
  }

  ingress {
    protocol        = "tcp"
    from_port       = 3000
    to_port         = 3000
    security_groups = [aws_security_group.ingress.id]
  }

  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = [local.anywhere]
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "tasks" {
  name               = "${local.name}-ecs-task-execution-role"
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = { Name = "${local.name}-ecs-task-execution-role" }
}

# A statement for each purpose.
locals {
  permissions = {
    images    = ["ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    logs      = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups", "logs:DescribeLogStreams"]
    agent     = ["ecs:DescribeTasks", "ecs:SubmitContainerStateChange", "ecs:UpdateContainerInstancesState"]
    discovery = ["servicediscovery:RegisterInstance", "servicediscovery:DeregisterInstance", "servicediscovery:DiscoverInstances", "servicediscovery:GetInstancesHealthStatus", "servicediscovery:GetService", "servicediscovery:ListServices"]
    exec      = ["ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"]
  }
}

data "aws_iam_policy_document" "tasks" {
  dynamic "statement" {
    for_each = local.permissions

    content {
      sid       = statement.key
      actions   = statement.value
      resources = ["*"]
    }
  }
}

resource "aws_iam_role_policy" "tasks" {
  name   = "${local.name}-ecs-task-execution-policy"
  role   = aws_iam_role.tasks.id
  policy = data.aws_iam_policy_document.tasks.json
}
