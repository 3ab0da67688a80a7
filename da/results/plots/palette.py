"""Colors of figures, on paper and on the page of `da report`. This module imports nothing."""

COLORS = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"
"""Colors of Okabe & Ito 2008, without the yellow, which is invisible on white paper."""
INK, GRAY, PALE = "#222222", "#888888", "#E4E4E4"
