"""Tables and HTML reports."""
