"""Static files with their hash in the name, so that a browser may keep them for a year."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise ships no types
    """Also rewrites the imports between ES modules, which name each other by relative path."""

    support_js_module_import_aggregation = True
    # One pass a step of the longest chain of imports; five are too few for the dashboard.
    max_post_process_passes = 15
