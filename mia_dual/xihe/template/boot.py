"""Boot file of a training job: the audit that config.yaml asks for. README.md says the rest."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

# What is imported may import this file again, in processes that train side by side.
if __name__ == "__main__":
    if sys.version_info < (3, 9):
        sys.exit("mia-dual needs Python 3.9 or later: choose an image with MindSpore 2.2 or later")

    from mia_dual.xihe.job import main

    sys.exit(main(sys.argv[1:], HERE))
