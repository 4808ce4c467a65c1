"""`report.html`: one file that needs no network and opens quickly whatever its size."""
