# What runs, and by which names the services find each other.

resource "aws_service_discovery_private_dns_namespace" "main" {
  name        = "ecs-navi.local"
  description = "Private DNS namespace for ECS Navi services"
  vpc         = aws_vpc.main.id
}

resource "aws_service_discovery_service" "service" {
  for_each = local.services

  name = each.value.discovery

  dns_config {
    namespace_id = aws_service_discovery_private_dns_namespace.main.id

    dns_records {
      type = "A"
      ttl  = 60
    }
  }

  health_check_custom_config {
    failure_threshold = 1
  }
}

resource "aws_cloudwatch_log_group" "container" {
  for_each = toset(compact(flatten([for service in local.services : service.containers[*].log_group])))

  name              = each.value
  retention_in_days = 7
}

resource "aws_ecs_cluster" "main" {
  name = "${local.name}-cluster"
}

resource "aws_ecs_task_definition" "service" {
  for_each = local.services

  family                   = each.value.family
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.tasks.arn
  task_role_arn            = aws_iam_role.tasks.arn

  container_definitions = jsonencode([
    for container in each.value.containers : merge(
      { name = container.name, image = "${local.registry}/${container.image}:latest" },
      length(container.ports) == 0 ? {} : {
        portMappings = [for port in container.ports : { containerPort = port, hostPort = port, protocol = "tcp" }]
      },
      container.log_group == null ? {} : {
        logConfiguration = {
          logDriver = "awslogs"
          options = {
            awslogs-group         = container.log_group
            awslogs-region        = var.region
            awslogs-stream-prefix = container.log_prefix
          }
        }
      },
    )
  ])

  depends_on = [aws_cloudwatch_log_group.container]
}

resource "aws_ecs_service" "service" {
  for_each = local.services

  name                   = "${local.name}-${each.key}-service"
  cluster                = aws_ecs_cluster.main.id
  task_definition        = aws_ecs_task_definition.service[each.key].arn
  desired_count          = 1
  launch_type            = "FARGATE"
  enable_execute_command = true

  network_configuration {
    subnets = [for subnet in aws_subnet.private : subnet.id]
    security_groups = [
      each.key == "backend" ? aws_security_group.backend.id : aws_security_group.proxy.id,
    ]
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.service[each.key].arn
    container_name   = "nginx"
    container_port   = 80
  }

  service_registries {
    registry_arn = aws_service_discovery_service.service[each.key].arn
  }

  # A rule must lead to the target group, tasks need their permissions and the way out that their images come in by,
  # and on destroy all of this stays until the tasks have drained.
  depends_on = [
    aws_lb_listener_rule.service,
    aws_iam_role_policy.tasks,
    aws_nat_gateway.main,
    aws_route_table_association.private,
    aws_route_table_association.public,
  ]
}
