"""``python -m mia_dual`` is ``mia-dual``."""

from mia_dual.cli.app import main

main()
