"""From a name, a folder or a hub id to a checkpoint folder and the policy it is streamed with.

Knows neither torch nor transformers: listing and fetching models must be quick and work on any machine.
"""
