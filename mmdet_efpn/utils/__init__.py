"""Files, configs and errors; each module here is open to all rooms."""
