"""The way to meters over MQTT: signed desired states out, proven reports and readings in."""
