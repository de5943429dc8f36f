"""Work aside: what is done first, what is not done at all, and what a forked process has of it."""

import gc
import threading
import weakref

import numpy as np
import pytest

import chainrule as cr
from chainrule.run.native import background
from chainrule.run.native.background import SMALL, Job
from chainrule.run.native.machine import Machine


class Work:
    """A job that says what it does; before its first step it waits to be let go on."""

    def __init__(self, name, size, said, steps=1, is_held=False):
        self.name, self.said, self.left = name, said, steps
        self.begun, self.let, self.done = (threading.Event() for _ in range(3))
        if not is_held:
            self.let.set()
        self.job = Job(self.step, size)

    def step(self):
        self.begun.set()
        assert self.let.wait(120)
        self.left -= 1
        self.said.append(self.name)
        if not self.left:
            self.done.set()
        return self.left > 0


@pytest.fixture(params=[1, SMALL + 1], ids=["small", "large"])
def least(request):
    """The least size of a line."""
    return request.param


def done(*works):
    for work in works:
        assert work.done.wait(120)


def begin(least, said, steps=1):
    """Something that the line is at, until it is let go on."""
    first = Work("first", least + 9, said, steps, is_held=True)
    first.job.submit()
    assert first.begun.wait(120)
    return first


def test_small_jobs_come_first_and_equal_ones_in_order(least):
    said = []
    first = begin(least, said)
    works = [Work(name, least + size, said) for name, size in (("c", 5), ("a", 1), ("b", 1))]
    for work in works:
        work.job.submit()
    first.let.set()
    done(first, *works)
    assert said == ["first", "a", "b", "c"]


def test_small_jobs_overtake_between_two_steps(least):
    said = []
    first = begin(least, said, steps=3)
    small = Work("small", least, said, steps=2)
    small.job.submit()
    first.let.set()
    done(first, small)
    assert said == ["first", "small", "small", "first", "first"]


def test_what_is_waited_for_comes_first(least):
    said = []
    first = begin(least, said)
    small, large = Work("small", least, said), Work("large", least + 20, said)
    small.job.submit()
    large.job.submit()
    with large.job.at_the_front():
        first.let.set()
        done(first, small, large)
    assert said == ["first", "large", "small"]


def test_after_waiting_it_has_its_place_again(least):
    said = []
    first = begin(least, said)
    small, large = Work("small", least, said), Work("large", least + 20, said)
    small.job.submit()
    large.job.submit()
    with large.job.at_the_front():
        pass
    first.let.set()
    done(first, small, large)
    assert said == ["first", "small", "large"]


def test_small_jobs_do_not_wait_for_a_step_of_a_large_one():
    said = []
    large = begin(SMALL + 1, said)
    small = Work("small", 1, said)
    small.job.submit()
    done(small)
    large.let.set()
    done(large)
    assert said == ["small", "first"]


def test_graphs_wait_in_the_line_of_their_size():
    small, large = (Machine(cr.parse("+".join(["sin(x)"] * count)).dag) for count in (3, SMALL))
    for machine in (small, large):
        machine.making.start()
    assert small.making._job._line is background._small
    assert large.making._job._line is background._large


def _chain(x, y):
    for at in range(1500):
        x = np.sin(x) * y + at
    return x


@pytest.mark.parametrize("steps", [0, 1, 3, 5, 8])
def test_code_that_nobody_can_call_is_not_made_to_the_end(steps):
    machine = Machine(cr.trace(_chain)(0.5, 0.25).dag)
    making, reference = machine.making, weakref.ref(machine)
    for _ in range(steps):
        assert making.step()
    del machine
    gc.collect()
    assert reference() is None
    assert not making.step()
    assert not making.is_done
