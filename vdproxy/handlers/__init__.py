"""The features that come with vdproxy, one handler each, on ``vdproxy.api`` alone."""
