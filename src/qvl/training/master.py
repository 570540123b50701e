"""AdamW for weights held in bfloat16: the numbers that are updated are kept in float32.

bfloat16 has 8 bits of mantissa, so an update below 1/256 of a weight is lost, and most are. There
are two ways to keep them:

- float32 parameters and products in bfloat16 (autocast, or FSDP's mixed precision). Nothing has to
  be added, shards are small, and so it is what ``precision="bf16"`` means.
- bfloat16 parameters with a float32 master in the optimiser (``precision="bf16_weights"``). It pays
  on one device whose memory decides: autocast holds a bfloat16 copy of every matrix beside the
  float32 one, and gradients of 4 bytes; here a weight takes 2 + 2 (gradient) + 4 (master) + 8
  (moments) = 16 bytes instead of 18.

Source: Micikevicius et al. 2018 (arXiv 1710.03740), section 3.1.
"""

from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

_MASTER = "master"


class MasterAdamW(torch.optim.AdamW):
    """AdamW whose state holds a float32 master of each parameter, and float32 moments."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Updates masters by the gradients and rounds them to the parameters."""
        for group in self.param_groups:
            learning = [p for p in group["params"] if p.grad is not None]
            if not learning:
                continue
            states = [self._begin(parameter) for parameter in learning]
            masters = [state[_MASTER] for state in states]
            adamw(
                masters,
                [p.grad.float() for p in learning if p.grad is not None],
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [],
                [state["step"] for state in states],
                fused=True,
                amsgrad=False,
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                maximize=False,
            )
            for parameter, master in zip(learning, masters, strict=True):
                parameter.copy_(master)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes a state; unlike torch's, does not round it to the dtype of the parameters."""
        super().load_state_dict(state_dict)
        numbers = [n for group in state_dict["param_groups"] for n in group["params"]]
        ours = [p for group in self.param_groups for p in group["params"]]
        for number, parameter in zip(numbers, ours, strict=True):
            for key, value in state_dict["state"].get(number, {}).items():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    self.state[parameter][key] = value.to(parameter.device, copy=True)

    def _begin(self, parameter: Tensor) -> dict[str, Any]:
        state: dict[str, Any] = self.state[parameter]
        if not state:
            master = parameter.detach().to(torch.float32, copy=True)
            state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
            state["exp_avg"], state["exp_avg_sq"] = (torch.zeros_like(master) for _ in range(2))
            state[_MASTER] = master
        return state
