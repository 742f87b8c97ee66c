"""What every app is built on: errors and their shape in the API, pagination, jobs, audit trail, health checks."""
