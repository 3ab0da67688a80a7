"""Settings as papers and libraries print them, a file for each kind of source."""
