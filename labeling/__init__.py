"""The crowd: campaigns, tasks (leases), votes, consensus, exports."""
