"""What the commands do. Imports wait inside them, so that help and errors come at once."""
