"""Instance types, on-demand prices and interruption priors, packaged with the software: no account, no network.

Runs in the Lambda too, so it needs the standard library only and reads each file once, when first asked.
"""

from cloudpits.adapters.catalogue.packaged import PackagedCatalogue

__all__ = ["PackagedCatalogue"]
