"""From a configuration to a running process: settings, one service a VM."""
