"""What staff ask about a campaign: figures, tables and plots. Questions only; nothing here writes."""
