"""The report page: finished runs as one HTML file for whoever reads rather than computes."""
