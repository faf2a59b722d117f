"""What runs lmms-eval is collected where that is installed: by `make lmms-test`."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("lmms_eval") else ["test_command.py", "test_model.py"]
