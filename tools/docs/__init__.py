"""Pages of docs/ that are made from the code and the records; `python -m tools.docs` writes them.

`make docs` does so before it builds the site. A test tells when a page is not what it would be.
"""
