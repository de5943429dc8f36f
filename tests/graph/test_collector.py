"""The garbage collector is held off during large passes, and always comes back."""

import gc
import threading

import pytest

from chainrule.graph.collector import collector_paused


@pytest.fixture(autouse=True)
def as_before():
    was = gc.isenabled()
    gc.enable()
    yield
    if was:
        gc.enable()
    else:
        gc.disable()


def test_pauses_nest_and_end():
    with collector_paused():
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_ends_after_an_error():
    with pytest.raises(ZeroDivisionError), collector_paused():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_who_had_turned_it_off_finds_it_off():
    gc.disable()
    with collector_paused():
        pass
    assert not gc.isenabled()


def test_threads_that_overlap():
    inside, leave = threading.Event(), threading.Event()

    def other():
        with collector_paused():
            inside.set()
            leave.wait(60)

    thread = threading.Thread(target=other)
    with collector_paused():
        thread.start()
        assert inside.wait(60)
    assert not gc.isenabled()  # the other thread is still at it
    leave.set()
    thread.join()
    assert gc.isenabled()
