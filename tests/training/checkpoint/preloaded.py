"""What processes of these tests would each import again."""

import torch.distributed.checkpoint
import torch.distributed.fsdp
import torch.distributed.tensor  # noqa: F401

import qvl.training.checkpoint.reader
import qvl.training.checkpoint.writer
import qvl.training.trainer  # noqa: F401
