"""Training: one run or many, and what happens at each step."""
