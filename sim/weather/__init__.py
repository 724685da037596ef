"""Sun and temperature at a site: files read, gaps filled, synthetic years made, light on tilted panels."""
