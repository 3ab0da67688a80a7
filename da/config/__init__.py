"""Settings: how they are checked and searched, and the names of tasks."""
