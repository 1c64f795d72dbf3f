"""The MindSpore backend: Ascend and CPU."""

from mia_dual_mindspore.environment import set_cpu_variables

# Here, because whatever of this package is imported first imports mindspore next.
set_cpu_variables()
