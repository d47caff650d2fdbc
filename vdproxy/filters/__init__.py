"""The filters that come with vdproxy, on ``vdproxy.api`` alone."""
