"""Machines whose code is there."""

from chainrule.graph.dag import Dag
from chainrule.run.native.machine import Machine
from chainrule.run.native.request import Options


def ready(dag: Dag, **options: object) -> Machine:
    """The machine of a graph with its best code, made in this thread and without a tape."""
    machine = Machine(dag, Options(**options))
    while machine.making.step():
        pass
    assert machine.wait(0)
    return machine
