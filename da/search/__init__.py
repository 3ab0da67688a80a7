"""Search for good settings of a method, over trials that several processes share."""
