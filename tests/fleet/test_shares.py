"""How hosts become workers."""

from svlm_cli.fleet.shares import Node, WorkerShare, shares, spread

GIB = 1 << 30


def test_each_gpu_has_a_worker_and_hosts_without_are_left_alone() -> None:
    found = shares([Node("gpus", 8, 64, 0), Node("head", 0, 4, 16 * GIB)], 0)
    assert len(found) == 8
    assert {(one.node, one.gpu, one.cores) for one in found} == {("gpus", True, 8)}
    assert len({one.name for one in found}) == 8


def test_without_gpus_each_core_has_a_worker_as_far_as_memory_goes() -> None:
    roomy, tight = Node("roomy", 0, 8, 256 * GIB), Node("tight", 0, 8, 25 * GIB)
    found = shares([roomy, tight], 4 * GIB)
    assert [one.cores for one in found if one.node == "roomy"] == [1] * 8
    assert [one.cores for one in found if one.node == "tight"] == [2] * 4, "the cores of the others are not wasted"


def test_a_host_that_is_too_small_is_tried() -> None:
    assert shares([Node("small", 0, 4, GIB)], 30 * GIB) == [WorkerShare("small", 0, False, 4)]


def test_the_cpu_is_taken_where_it_is_asked_for() -> None:
    assert not any(one.gpu for one in shares([Node("gpus", 2, 4, 64 * GIB)], GIB, cpu=True))


def test_few_files_are_spread_over_hosts() -> None:
    found = shares([Node("one", 4, 4, 0), Node("two", 4, 4, 0)], 0)
    assert [one.node for one in spread(found, 3)] == ["one", "two", "one"]
