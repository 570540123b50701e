"""Low-rank adapters: what they compute, putting them on a model, taking them into its weights.

Owns: the adapted layer, switching adapters off, merging. Does not own the configuration
(``lora_config``), files (``checkpoint.adapter``), quantised matrices (``quantized_linear``), or
what trains in a stage (``training``).

    model, LoraConfig -> add_lora -> the same model: base frozen, adapters beside it
    q_proj.weight keeps its name; new are q_proj.lora_A.weight, lora_B.weight and, with DoRA,
    q_proj.lora_magnitude_vector

Every parameter that adapters bring has ``lora_`` in its name. A module that trains whole keeps its
name, and what it was is kept beside it as ``lora_base_weight``.

Sources: LoRA, arXiv 2106.09685; rank-stabilised scaling, arXiv 2312.03732; DoRA, arXiv 2402.09353.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qvl.errors import ConfigError
from qvl.model.lora_config import ALL_LINEAR, PARTS, LoraConfig, LoraSpec, selects
from qvl.model.quantized_linear import QuantizedLinear, QuantizedMatrix
from qvl.model.vlm import Qwen2_5_VL

_KEPT = "lora_base_"
# Weights that are merged at a time.
_MERGED_ELEMENTS = 1 << 24
# In place of the length of a row of zeros.
_TINY = torch.finfo(torch.float32).tiny


class LoraLinear(nn.Module):
    """A frozen linear layer and a trained update of low rank: ``x W^T + b + s (x A^T) B^T``.

    With DoRA, ``m / |W + s B A|`` by row times that, before the bias; the length is a constant to
    the gradient. Source: arXiv 2402.09353, equation 5 and section 4.3. Dropout leaves the frozen
    product alone.

    The update is computed in the dtype of x, whatever its parameters are held in.

    Args:
        base: its weight and bias are taken over, under their names.
        spec: of the update.
        generator: of the CPU, so that one seed gives one adapter on any device.
    """

    weight: nn.Parameter | QuantizedMatrix
    lora_squares: Tensor

    def __init__(
        self,
        base: nn.Linear | QuantizedLinear,
        spec: LoraSpec,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.enabled = True
        weight = base.weight
        assert isinstance(weight, nn.Parameter | QuantizedMatrix)
        self.weight = weight
        self.bias = base.bias
        outputs, inputs = self.weight.shape
        # Kaiming's uniform distribution with a = sqrt(5), and zeros: the update begins as nothing.
        # Source: the code of arXiv 2106.09685, loralib/layers.py.
        bound = 1 / math.sqrt(inputs)
        a = torch.empty(spec.rank, inputs).uniform_(-bound, bound, generator=generator)
        device = _device_of(self.weight)
        self.lora_A = plain_linear(a.to(device), None).requires_grad_(True)
        self.lora_B = plain_linear(torch.zeros(outputs, spec.rank, device=device), None)
        self.lora_B.requires_grad_(True)
        self.lora_magnitude_vector: nn.Parameter | None = None
        if spec.dora:
            squares = torch.cat([rows.square().sum(1) for _, rows in _blocks(self.weight)])
            self.register_buffer("lora_squares", squares, persistent=False)
            self.lora_magnitude_vector = nn.Parameter(squares.sqrt())

    def forward(self, x: Tensor) -> Tensor:
        if not self.enabled:
            return self._product(x, self.bias)
        magnitude = self.lora_magnitude_vector
        out = self._product(x, self.bias if magnitude is None else None)
        dropped = F.dropout(x, self.spec.dropout, self.training) if self.spec.dropout else x
        low = F.linear(dropped, self.lora_A.weight.to(x.dtype)) * self.spec.scaling
        out = out + F.linear(low, self.lora_B.weight.to(x.dtype))
        if magnitude is None:
            return out
        # The factor is close to 1, where half precision is coarse.
        out = (out * (magnitude.float() / self._lengths())).to(out.dtype)
        return out if self.bias is None else out + self.bias.to(out.dtype)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> LoraLinear:
        squares = self._buffers.get("lora_squares")
        super()._apply(fn, recurse)
        if squares is not None:  # moved, but not rounded
            self._buffers["lora_squares"] = squares.to(self.lora_B.weight.device)
        return self

    def _product(self, x: Tensor, bias: Tensor | None) -> Tensor:
        if isinstance(self.weight, QuantizedMatrix):
            out = self.weight.multiply(x)
            return out if bias is None else out + bias.to(out.dtype)
        return F.linear(x, self.weight, bias)

    @torch.no_grad()
    def _lengths(self) -> Tensor:
        """``|W + s B A|`` by row, float32[outputs], without that matrix.

        Its square is ``|W|^2 + 2 s B . (W A^T) + s^2 B (A A^T) . B``, row by row.
        """
        a, b = self.lora_A.weight.float(), self.lora_B.weight.float() * self.spec.scaling
        with torch.autocast(a.device.type, enabled=False):
            if isinstance(self.weight, QuantizedMatrix):
                crossed = self.weight.multiply(a).T
            else:
                crossed = F.linear(a.to(self.weight.dtype), self.weight).T.float()
            squares = self.lora_squares + (b * (2 * crossed + b @ (a @ a.T))).sum(1)
        return squares.clamp_min_(_TINY).sqrt_()

    @torch.no_grad()
    def merged(self, dtype: torch.dtype) -> nn.Linear:
        """The same function as a plain layer: computed in float32, rounded once, frozen."""
        weight = torch.empty(*self.weight.shape, dtype=dtype, device=_device_of(self.weight))
        a, b = self.lora_A.weight.float(), self.lora_B.weight.float()
        for at, rows in _blocks(self.weight):
            merged = torch.addmm(rows, b[at], a, alpha=self.spec.scaling)
            if self.lora_magnitude_vector is not None:
                lengths = merged.norm(dim=1).clamp_min_(_TINY)
                merged *= (self.lora_magnitude_vector[at].float() / lengths)[:, None]
            weight[at] = merged
        return plain_linear(weight, self.bias)


def plan_lora(model: nn.Module, config: LoraConfig) -> dict[str, LoraSpec]:
    """The adapter of each layer that gets one, by the layer's name.

    Layers inside ``modules_to_save`` train whole and get none.

    Raises:
        ConfigError: a pattern fits no layer.
    """
    layers = [n for n, m in model.named_modules() if isinstance(m, nn.Linear | QuantizedLinear)]
    saved = saved_modules(model, config.modules_to_save)
    layers = [n for n in layers if not any(f"{n}.".startswith(f"{s}.") for s in saved)]
    chosen = {name for entry in config.targets for name in _fitting(entry, layers, "targets")}
    for pattern in (*config.rank_pattern, *config.alpha_pattern):
        _fitting(pattern, chosen, "rank_pattern or alpha_pattern")

    def spec(name: str) -> LoraSpec:
        ranks = (rank for p, rank in config.rank_pattern.items() if selects(p, name))
        alphas = (alpha for p, alpha in config.alpha_pattern.items() if selects(p, name))
        return config.spec(next(ranks, config.rank), next(alphas, config.alpha))

    return {name: spec(name) for name in layers if name in chosen}


def saved_modules(model: nn.Module, ends: Iterable[str]) -> list[str]:
    """Names of the modules that train whole, by the ends of their names.

    Raises:
        ConfigError: there is no such module.
    """
    names = [name for name, m in model.named_modules() if name and list(m.parameters())]
    return [name for end in ends for name in _fitting(end, names, "modules_to_save", fits=_is_end)]


def add_lora(
    model: nn.Module, config: LoraConfig, *, generator: torch.Generator | None = None
) -> None:
    """Freezes a model and adds adapters to it, in place; right after this its answers are the same.

    Args:
        model: without adapters; plain or quantised, not yet sharded.
        config: which layers.
        generator: of the CPU; None takes torch's own.

    Raises:
        ConfigError: a pattern fits nothing, or there are adapters already.
    """
    attach_lora(
        model,
        plan_lora(model, config),
        saved_modules(model, config.modules_to_save),
        generator=generator,
    )


def attach_lora(
    model: nn.Module,
    specs: Mapping[str, LoraSpec],
    saved: Iterable[str],
    *,
    generator: torch.Generator | None = None,
) -> None:
    """As :func:`add_lora`, with the layers named one by one.

    What trains whole becomes float32, for updates that half precision would lose; over a model in
    half precision that needs autocast.
    """
    if adapter_parameters(model):
        raise ConfigError("the model has adapters already", hint="merge them or load it again")
    model.requires_grad_(False)
    for name, spec in specs.items():
        base = model.get_submodule(name)
        assert isinstance(base, nn.Linear | QuantizedLinear)
        _put(model, name, LoraLinear(base, spec, generator))
    for name in saved:
        for module in model.get_submodule(name).modules():
            if isinstance(module, QuantizedMatrix):
                raise ConfigError(f"lora cannot train {name} whole: it is quantised")
            for key, was in list(module._parameters.items()):
                if was is not None and not was.requires_grad and not key.startswith(_KEPT):
                    trained = was.detach().to(torch.float32, copy=True)
                    module.register_parameter(key, nn.Parameter(trained))
                    module.register_parameter(_KEPT + key, was)


def lora_layers(model: nn.Module) -> dict[str, LoraLinear]:
    """The layers with an adapter, by name."""
    return {name: m for name, m in model.named_modules() if isinstance(m, LoraLinear)}


def saved_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that train whole beside adapters, by name."""
    names = {module: name for name, module in model.named_modules()}
    return {f"{names[m]}.{key}": trained for m, key, trained, _ in _saved_slots(model)}


def adapter_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """All that adapters train, by name; empty for a model without adapters."""
    updates = {
        f"{name}.{key}": parameter
        for name, layer in lora_layers(model).items()
        for key, parameter in layer.named_parameters()
        if key.startswith("lora_")
    }
    return updates | saved_parameters(model)


@contextmanager
def disabled_lora(model: nn.Module) -> Iterator[None]:
    """The model as it was before its adapters, while the block runs.

    What trains whole is put back in place for the time, so a graph that was made before the block
    cannot be differentiated after it.
    """
    layers, saved = lora_layers(model).values(), _saved_slots(model)
    kept = [trained.detach().clone() for _, _, trained, _ in saved]
    try:
        _copy_all((slot[2] for slot in saved), (slot[3] for slot in saved))
        for layer in layers:
            layer.enabled = False
        yield
    finally:
        for layer in layers:
            layer.enabled = True
        _copy_all((slot[2] for slot in saved), kept)


def merge_lora(model: Qwen2_5_VL) -> Callable[[], None]:
    """Takes the adapters into the weights: the model is plain afterwards, as if trained whole.

    Weights get the dtype of the base; on a quantised base, that of the model.

    Returns:
        What undoes it, bit for bit. It holds the base weights themselves: a difference would not
        give them back through rounding. Drop it and they are freed.
    """
    layers, saved = lora_layers(model), _saved_slots(model)
    dtype = model.dtype
    for name, layer in layers.items():
        weight = layer.weight
        _put(model, name, layer.merged(weight.dtype if isinstance(weight, Tensor) else dtype))
    for module, key, trained, base in saved:
        module._parameters[key] = nn.Parameter(trained.detach().to(base.dtype), requires_grad=False)
        del module._parameters[_KEPT + key]

    def undo() -> None:
        for name, layer in layers.items():
            _put(model, name, layer)
        for module, key, trained, base in saved:
            module._parameters[key] = trained
            module.register_parameter(_KEPT + key, base)

    return undo


def plain_linear(weight: Tensor, bias: nn.Parameter | None) -> nn.Linear:
    """A frozen layer of these weights; torch's own constructor would draw and drop some first."""
    linear = nn.Linear.__new__(nn.Linear)
    nn.Module.__init__(linear)
    linear.out_features, linear.in_features = weight.shape
    linear.weight = nn.Parameter(weight, requires_grad=False)
    linear.register_parameter("bias", bias)
    return linear


def _saved_slots(model: nn.Module) -> list[tuple[nn.Module, str, nn.Parameter, nn.Parameter]]:
    """Module, key, what it has become and what it was, of everything that trains whole."""
    return [
        (module, key, trained, base)
        for module in model.modules()
        for key, trained in module._parameters.items()
        if trained is not None and (base := module._parameters.get(_KEPT + key)) is not None
    ]


@torch.no_grad()
def _copy_all(targets: Iterable[Tensor], sources: Iterable[Tensor]) -> None:
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)


def _blocks(weight: nn.Parameter | QuantizedMatrix) -> Iterator[tuple[slice, Tensor]]:
    """All rows in float32, a few at a time."""
    if isinstance(weight, QuantizedMatrix):
        yield from weight.blocks(torch.float32)
        return
    step = max(1, _MERGED_ELEMENTS // weight.shape[1])
    for start in range(0, len(weight), step):
        yield slice(start, start + step), weight[start : start + step].detach().float()


def _device_of(weight: nn.Parameter | QuantizedMatrix) -> torch.device:
    return weight.device if isinstance(weight, Tensor) else next(weight.buffers()).device


def _put(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, key = name.rpartition(".")
    setattr(model.get_submodule(parent), key, module)


def _is_end(end: str, name: str) -> bool:
    return name == end or name.endswith(f".{end}")


def _fitting(
    pattern: str,
    names: Iterable[str],
    field: str,
    fits: Callable[[str, str], bool] = selects,
) -> list[str]:
    """The names that a pattern of a field means, at least one."""
    names = list(names)
    found = [name for name in names if fits(pattern, name)]
    if not found:
        ends = {name.rpartition(".")[2] for name in names}
        near = difflib.get_close_matches(pattern, [*ends, *names, ALL_LINEAR, *PARTS], n=1)
        raise ConfigError(
            f"lora {field} has {pattern!r}, which fits no layer of this model",
            hint=f"did you mean {near[0]!r}?" if near else f"layers are called {sorted(ends)}",
        )
    return found
