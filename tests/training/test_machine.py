"""What the machine is asked for is there."""

import torch

from qvl.training.machine import measured_peak, memory_at_hand


def test_processes_share_the_memory_of_a_machine() -> None:
    device = torch.device("cpu")
    whole, quarter = memory_at_hand(device), memory_at_hand(device, processes=4)
    assert whole is not None
    assert quarter is not None
    assert 2**20 < quarter < whole / 3


def test_the_peak_is_that_of_a_machine() -> None:
    threads = torch.get_num_threads()
    assert 1e8 < measured_peak(torch.device("cpu"), torch.float32, threads=1) < 1e15
    assert torch.get_num_threads() == threads
