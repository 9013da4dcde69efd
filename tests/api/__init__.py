"""The client of the API, from a setting to the socket."""
