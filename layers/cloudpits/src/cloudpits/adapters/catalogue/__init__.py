"""The instance catalogue that ships with the package: types, on-demand prices, interruption priors."""
