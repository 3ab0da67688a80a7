"""Images: data sets, tasks, transforms and loaders."""
