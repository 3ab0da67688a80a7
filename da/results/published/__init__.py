"""Numbers printed in papers, to compare with."""
