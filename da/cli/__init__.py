"""The commands of `da`. They import inside functions, so that help and errors come at once."""
