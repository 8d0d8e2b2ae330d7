"""What scripts/workshop runs on."""
