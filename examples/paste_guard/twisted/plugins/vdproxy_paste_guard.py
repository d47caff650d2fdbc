"""Declares the filter ``paste-guard``."""

from vdproxy.makers import FilterMaker

guard = FilterMaker("paste-guard", "vdproxy_paste_guard", "Lets no private key pass.")
