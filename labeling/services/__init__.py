"""Services of labelling: the only code that writes campaigns, targets, tasks, votes and consensus."""
