# mypy: disallow-subclassing-any=False
"""The network: a plain Llama decoder, small enough to read at once, with the parameter names of Hugging Face."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """The dimensions of the decoder."""

    hidden: int = 128
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    ffn: int = 384
    vocabulary: int = 1024
    positions: int = 256
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        """The width of one attention head."""
        return self.hidden // self.heads

    def as_dict(self) -> dict[str, int | float]:
        """The dimensions as plain data, for a checkpoint."""
        return asdict(self)


class RMSNorm(nn.Module):
    """Root-mean-square normalisation with a learned scale."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


def rotary_table(shape: Shape) -> Tensor:
    """Cosines and sines of every position, as [2, positions, head_dim]."""
    inverse = 1.0 / shape.rope_theta ** (torch.arange(0, shape.head_dim, 2, dtype=torch.float64) / shape.head_dim)
    angles = torch.outer(torch.arange(shape.positions, dtype=torch.float64), inverse)
    angles = torch.cat((angles, angles), dim=-1)
    return torch.stack((angles.cos(), angles.sin())).float()


def rotate(x: Tensor, table: Tensor) -> Tensor:
    """x turned by its position; the two halves of a head form the pairs, as in Hugging Face's Llama."""
    low, high = x.chunk(2, dim=-1)
    return x * table[0] + torch.cat((-high, low), dim=-1) * table[1]


class Attention(nn.Module):
    """Causal attention with grouped key and value heads."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        kv = shape.kv_heads * shape.head_dim
        self.q_proj = nn.Linear(shape.hidden, shape.hidden, bias=False)
        self.k_proj = nn.Linear(shape.hidden, kv, bias=False)
        self.v_proj = nn.Linear(shape.hidden, kv, bias=False)
        self.o_proj = nn.Linear(shape.hidden, shape.hidden, bias=False)

    def forward(self, x: Tensor, table: Tensor) -> Tensor:
        batch, length, hidden = x.shape
        split = (batch, length, -1, self.shape.head_dim)
        q = rotate(self.q_proj(x).view(split).transpose(1, 2), table)
        k = rotate(self.k_proj(x).view(split).transpose(1, 2), table)
        v = self.v_proj(x).view(split).transpose(1, 2)
        group = self.shape.heads // self.shape.kv_heads
        k = k.repeat_interleave(group, dim=1)
        v = v.repeat_interleave(group, dim=1)
        # written out: compiled, this is several times faster on a CPU than the backward of scaled_dot_product_attention
        scores = (q @ k.transpose(-1, -2)).float() * self.shape.head_dim**-0.5
        past = torch.ones(length, length, dtype=torch.bool, device=x.device).tril()
        shares = scores.masked_fill(~past, float("-inf")).softmax(-1).to(v.dtype)
        out: Tensor = self.o_proj((shares @ v).transpose(1, 2).reshape(batch, length, hidden))
        return out


class MLP(nn.Module):
    """The gated feed-forward part."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden, shape.ffn, bias=False)
        self.up_proj = nn.Linear(shape.hidden, shape.ffn, bias=False)
        self.down_proj = nn.Linear(shape.ffn, shape.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Layer(nn.Module):
    """One block of the decoder: attention, then feed-forward, each around a residual."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(shape.hidden, shape.norm_eps)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = RMSNorm(shape.hidden, shape.norm_eps)
        self.mlp = MLP(shape)

    def forward(self, x: Tensor, table: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), table)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    """The whole network; `forward` gives hidden states, `logits` scores them with the tied table."""

    rotary: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.hidden, shape.norm_eps)
        self.register_buffer("rotary", rotary_table(shape), persistent=False)
        self._initialise()

    def _initialise(self) -> None:
        nn.init.normal_(self.embed_tokens.weight, std=0.02)
        for name, parameter in self.layers.named_parameters():
            if parameter.ndim == 2:
                depth = (2 * self.shape.layers) ** -0.5 if name.endswith(("o_proj.weight", "down_proj.weight")) else 1.0
                nn.init.normal_(parameter, std=depth * parameter.shape[1] ** -0.5)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embed_tokens(ids)
        table = self.rotary[:, : ids.shape[1]]
        for layer in self.layers:
            x = layer(x, table)
        out: Tensor = self.norm(x)
        return out

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores over the vocabulary for hidden states."""
        return functional.linear(hidden, self.embed_tokens.weight)


def loss_of(model: Decoder, ids: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy of every next token, weighted per token (`weights` has the shape of `ids`; 0 for padding)."""
    hidden = model(ids[:, :-1])
    scores = model.logits(hidden).flatten(0, 1)
    losses = functional.cross_entropy(scores, ids[:, 1:].flatten(), reduction="none")
    share = weights[:, 1:].flatten()
    return (losses * share).sum() / share.sum()


def count(model: Decoder) -> int:
    """The number of parameters, the tied table counted once."""
    return sum(p.numel() for p in model.parameters())
