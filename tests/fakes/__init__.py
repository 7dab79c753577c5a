"""Stand-ins for what is slow or needs a GPU. Part of the tests: nothing of the package imports it."""
