"""Numbers printed in papers, for comparison with ours."""
