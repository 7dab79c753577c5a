"""One self-contained page per lineage: :func:`sweeps.report.page.write_page`."""
