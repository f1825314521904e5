"""Where the frameworks disagree: one file a topic, one function a row, found by listing.

Reads on its own: nothing of the framework folders is used here, only the libraries as a user
installs them.
"""
