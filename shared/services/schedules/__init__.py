"""Schedules: runs of agents at the times that a cron expression describes."""
