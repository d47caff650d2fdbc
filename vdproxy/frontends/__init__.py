"""How clients reach a VM: one module a protocol they speak."""
